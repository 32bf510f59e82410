//! The part of the contract (wit/plugin.wit, version 0.1.0) that this plugin needs, written by hand: Zig lays out slices as
//! the component model does lists, so that nothing is copied. What the host hands over is in an arena, which ends with the call.

const std = @import("std");
const plugin = @import("owner.zig");

const imports = struct {
    extern "otlet:plugin/batch@0.1.0" fn column(path: [*]const u8, len: usize, ret: *ColumnResult) void;
    extern "otlet:plugin/batch@0.1.0" fn signal(ret: *List(u8)) void;
    extern "otlet:plugin/batch@0.1.0" fn @"packed"(column: u32, ret: *Texts) void;
    extern "otlet:plugin/batch@0.1.0" fn @"set-packed"(
        column: u32,
        some: u32,
        rows: [*]const u32,
        rows_len: usize,
        data: [*]const u8,
        data_len: usize,
        ends: [*]const u32,
        ends_len: usize,
        present: [*]const u8,
        present_len: usize,
    ) void;
    extern "otlet:plugin/batch@0.1.0" fn @"drop-rows"(table: [*]const u8, len: usize, rows: [*]const u32, rows_len: usize) void;
    extern "otlet:plugin/host@0.1.0" fn log(level: [*]const u8, level_len: usize, message: [*]const u8, len: usize) void;
    extern "otlet:plugin/host@0.1.0" fn count(name: [*]const u8, len: usize, add: u32) void;
};

fn List(comptime T: type) type {
    return extern struct {
        ptr: [*]const T,
        len: usize,

        fn items(self: @This()) []const T {
            return self.ptr[0..self.len];
        }
    };
}

const ColumnResult = extern struct {
    tag: u8,
    payload: extern union { number: u32, message: List(u8) },
};

/// Where a list begins: an empty one must not point out of memory either, as an empty slice may.
fn start(comptime T: type, list: []const T) [*]const T {
    return if (list.len == 0) @ptrCast(&nowhere) else list.ptr;
}

const nowhere: u64 = 0;

/// What lives as long as the instance.
pub const allocator = std.heap.wasm_allocator;
var arena = std.heap.ArenaAllocator.init(std.heap.wasm_allocator);

/// What lives as long as the call.
pub fn scratch() std.mem.Allocator {
    return arena.allocator();
}

/// Why a call failed: a text, for the host.
pub const Failure = ?[]const u8;

pub const Column = struct {
    number: u32 = 0,

    /// Opens a column by its path; what is wrong with it, if that fails.
    pub fn open(self: *Column, path: []const u8) Failure {
        var result: ColumnResult = undefined;
        imports.column(path.ptr, path.len, &result);
        if (result.tag != 0) return result.payload.message.items();
        self.number = result.payload.number;
        return null;
    }

    /// The texts of the column, one entry a row.
    pub fn texts(self: Column) Texts {
        var read: Texts = undefined;
        imports.@"packed"(self.number, &read);
        return read;
    }

    /// One text for each of these rows, which ascend.
    pub fn setTexts(self: Column, rows: []const u32, values: []const []const u8) !void {
        const data = try std.mem.concat(scratch(), u8, values);
        const ends = try scratch().alloc(u32, values.len);
        var end: usize = 0;
        for (values, ends) |value, *at| {
            end += value.len;
            at.* = end;
        }
        const present = try scratch().alloc(u8, (values.len + 7) / 8);
        @memset(present, 0);
        for (0..values.len) |i| present[i / 8] |= @as(u8, 1) << @intCast(i % 8);
        const at_rows = start(u32, rows);
        imports.@"set-packed"(self.number, 1, at_rows, rows.len, start(u8, data), data.len, start(u32, ends), ends.len, start(u8, present), present.len);
    }
};

pub const Texts = extern struct {
    data: List(u8),
    ends: List(u32),
    present: List(u8),

    pub fn rows(self: Texts) usize {
        return self.ends.len;
    }

    pub fn at(self: Texts, row: usize) ?[]const u8 {
        if (self.present.ptr[row / 8] >> @intCast(row % 8) & 1 == 0) return null;
        const from = if (row == 0) 0 else self.ends.ptr[row - 1];
        return self.data.ptr[from..self.ends.ptr[row]];
    }
};

pub fn signal() []const u8 {
    var text: List(u8) = undefined;
    imports.signal(&text);
    return text.items();
}

pub fn drop(table: []const u8, rows: []const u32) void {
    imports.@"drop-rows"(table.ptr, table.len, start(u32, rows), rows.len);
}

pub fn info(comptime format: []const u8, values: anytype) !void {
    const message = try std.fmt.allocPrint(scratch(), format, values);
    imports.log("info", 4, message.ptr, message.len);
}

/// Adds to a counter; zero makes none.
pub fn count(name: []const u8, add: usize) void {
    if (add > 0) imports.count(name.ptr, name.len, @intCast(add));
}

var answer: extern struct { tag: u32 = 0, ptr: [*]const u8 = "", len: usize = 0 } = .{};

fn told(failure: anyerror!Failure) *const anyopaque {
    const failed: Failure = failure catch |wrong| @errorName(wrong);
    const text: []const u8 = failed orelse "";
    answer = .{ .tag = @intFromBool(failed != null), .ptr = text.ptr, .len = text.len };
    return &answer;
}

export fn @"otlet:plugin/processor@0.1.0#describe"() *const anyopaque {
    answer = .{ .ptr = plugin.manifest.ptr, .len = plugin.manifest.len };
    return @ptrCast(&answer.ptr);
}

export fn @"otlet:plugin/processor@0.1.0#configure"(config: [*]const u8, len: usize) *const anyopaque {
    return told(plugin.configure(config[0..len]));
}

export fn @"otlet:plugin/processor@0.1.0#process"() *const anyopaque {
    return told(plugin.process());
}

fn finish() void {
    _ = arena.reset(.{ .retain_with_limit = 1 << 20 });
}

export fn @"cabi_post_otlet:plugin/processor@0.1.0#configure"(_: *const anyopaque) void {
    finish();
}

export fn @"cabi_post_otlet:plugin/processor@0.1.0#process"(_: *const anyopaque) void {
    finish();
}

export fn cabi_realloc(old: ?[*]u8, old_len: usize, alignment: usize, len: usize) ?[*]u8 {
    if (len == 0) return @ptrFromInt(alignment);
    const memory = scratch().rawAlloc(len, std.mem.Alignment.fromByteUnits(alignment), 0) orelse @trap();
    if (old) |from| @memcpy(memory[0..old_len], from[0..old_len]);
    return memory;
}
