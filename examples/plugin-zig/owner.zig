//! Plugin owner says which team's each service is, and drops spans that nobody wants to see.

const std = @import("std");
const otlet = @import("otlet.zig");

comptime {
    _ = otlet; // its exports
}

pub const manifest =
    \\{
    \\  "version": "0.1.0",
    \\  "signals": ["traces", "metrics", "logs"],
    \\  "on_error": "pass",
    \\  "config_schema": {
    \\    "type": "object",
    \\    "additionalProperties": false,
    \\    "required": ["teams"],
    \\    "properties": {
    \\      "teams": {
    \\        "description": "The team of each service, by its service.name.",
    \\        "type": "object",
    \\        "minProperties": 1,
    \\        "additionalProperties": { "type": "string" }
    \\      },
    \\      "attribute": {
    \\        "description": "The attribute of the resource that is set.",
    \\        "type": "string",
    \\        "minLength": 1,
    \\        "default": "team"
    \\      },
    \\      "drop": {
    \\        "description": "Spans whose name begins with one of these are dropped.",
    \\        "type": "array",
    \\        "items": { "type": "string", "minLength": 1 }
    \\      }
    \\    }
    \\  }
    \\}
;

const Config = struct {
    teams: std.json.ArrayHashMap([]const u8),
    attribute: []const u8 = "team",
    drop: []const []const u8 = &.{},
};

var config: Config = undefined;
var service: otlet.Column = .{};
var team: otlet.Column = .{};
var name: otlet.Column = .{};

pub fn configure(text: []const u8) !otlet.Failure {
    config = try std.json.parseFromSliceLeaky(Config, otlet.allocator, text, .{ .allocate = .alloc_always });
    if (service.open("resource.attributes[\"service.name\"]")) |wrong| return wrong;
    if (team.open(try path(config.attribute))) |wrong| return wrong;
    if (name.open("span.name")) |wrong| return wrong;
    try otlet.info("owner sets \"{s}\" for {d} services", .{ config.attribute, config.teams.map.count() });
    return null;
}

/// The path of an attribute of the resource.
fn path(key: []const u8) ![]const u8 {
    const slashes = try std.mem.replaceOwned(u8, otlet.scratch(), key, "\\", "\\\\");
    const quoted = try std.mem.replaceOwned(u8, otlet.scratch(), slashes, "\"", "\\\"");
    return std.mem.concat(otlet.scratch(), u8, &.{ "resource.attributes[\"", quoted, "\"]" });
}

pub fn process() !otlet.Failure {
    try setTeams();
    if (std.mem.eql(u8, otlet.signal(), "traces")) try dropSpans();
    return null;
}

fn setTeams() !void {
    const services = service.texts();
    var rows: std.ArrayList(u32) = .empty;
    var teams: std.ArrayList([]const u8) = .empty;
    for (0..services.rows()) |row| {
        const of = config.teams.map.get(services.at(row) orelse continue) orelse continue;
        try rows.append(otlet.scratch(), row);
        try teams.append(otlet.scratch(), of);
    }
    try team.setTexts(rows.items, teams.items);
    otlet.count("resources_owned", rows.items.len);
}

fn dropSpans() !void {
    const names = name.texts();
    var dropped: std.ArrayList(u32) = .empty;
    for (0..names.rows()) |row| {
        if (unwanted(names.at(row) orelse continue)) try dropped.append(otlet.scratch(), row);
    }
    otlet.drop("record", dropped.items);
    otlet.count("spans_dropped", dropped.items.len);
}

fn unwanted(span: []const u8) bool {
    for (config.drop) |prefix| {
        if (std.mem.startsWith(u8, span, prefix)) return true;
    }
    return false;
}
