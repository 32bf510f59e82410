-- Plugin owner says which team's each service is, and drops spans that nobody wants to see.
local owner = {}

owner.manifest = [[{
  "version": "0.1.0",
  "signals": ["traces", "metrics", "logs"],
  "on_error": "pass",
  "config_schema": {
    "type": "object",
    "additionalProperties": false,
    "required": ["teams"],
    "properties": {
      "teams": {
        "description": "The team of each service, by its service.name.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": { "type": "string" }
      },
      "attribute": {
        "description": "The attribute of the resource that is set.",
        "type": "string",
        "minLength": 1,
        "default": "team"
      },
      "drop": {
        "description": "Spans whose name begins with one of these are dropped.",
        "type": "array",
        "items": { "type": "string", "minLength": 1 }
      }
    }
  }
}]]

local teams, prefixes, service, team, name

function owner.configure(config)
  teams, prefixes = config.teams, config.drop or {}
  local attribute, services = config.attribute or "team", 0
  for _ in pairs(teams) do services = services + 1 end

  service = otlet.column 'resource.attributes["service.name"]'
  team = otlet.attribute("resource", attribute)
  name = otlet.column "span.name"
  otlet.log("info", ('owner sets "%s" for %d services'):format(attribute, services))
end

local function unwanted(span)
  for _, prefix in ipairs(prefixes) do
    if span:sub(1, #prefix) == prefix then return true end
  end
  return false
end

function owner.process()
  local rows, values = {}, {}
  for row, of in service:texts() do
    if teams[of] then
      rows[#rows + 1] = row
      values[#values + 1] = teams[of]
    end
  end
  team:set(rows, values)
  otlet.count("resources_owned", #rows)

  if otlet.signal() ~= "traces" then return end
  local dropped = {}
  for row, span in name:texts() do
    if unwanted(span) then dropped[#dropped + 1] = row end
  end
  otlet.drop("record", dropped)
  otlet.count("spans_dropped", #dropped)
end

return owner
