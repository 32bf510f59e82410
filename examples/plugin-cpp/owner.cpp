// Plugin owner says which team's each service is, and drops spans that nobody wants to see.
#include <algorithm>
#include <map>

#include "otlet.hpp"

static constexpr const char *MANIFEST = R"({
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
})";

class Owner : public otlet::Plugin {
 public:
  static otlet::Error make(std::unique_ptr<otlet::Plugin> &plugin) {
    auto owner = std::make_unique<Owner>();
    for (const auto &service : otlet::settings("/teams")) {
      owner->teams_[service] = otlet::setting_text(otlet::child("/teams", service));
    }
    for (const auto &number : otlet::settings("/drop")) {
      owner->drop_.push_back(otlet::setting_text(otlet::child("/drop", number)));
    }
    auto attribute = otlet::setting_text("/attribute", "team");

    if (auto error = otlet::Column::open("resource.attributes[\"service.name\"]", owner->service_)) return error;
    if (auto error = otlet::Column::open_attribute("resource", attribute, owner->team_)) return error;
    if (auto error = otlet::Column::open("span.name", owner->name_)) return error;
    otlet::log("info", "owner sets \"" + attribute + "\" for " + std::to_string(owner->teams_.size()) + " services");
    plugin = std::move(owner);
    return {};
  }

  otlet::Error process() override {
    set_teams();
    if (otlet::signal() == "traces") drop_spans();
    return {};
  }

 private:
  void set_teams() {
    auto services = service_.texts();
    std::vector<uint32_t> rows;
    std::vector<std::string_view> teams;
    for (uint32_t row = 0; row < services.size(); row++) {
      auto service = services[row];
      if (!service) continue;
      if (auto team = teams_.find(*service); team != teams_.end()) {
        rows.push_back(row);
        teams.push_back(team->second);
      }
    }
    team_.set_texts(rows, teams);
    otlet::count("resources_owned", rows.size());
  }

  void drop_spans() {
    auto names = name_.texts();
    std::vector<uint32_t> dropped;
    for (uint32_t row = 0; row < names.size(); row++) {
      auto name = names[row];
      if (name && std::ranges::any_of(drop_, [&](const auto &prefix) { return name->starts_with(prefix); })) {
        dropped.push_back(row);
      }
    }
    otlet::drop("record", dropped);
    otlet::count("spans_dropped", dropped.size());
  }

  std::map<std::string, std::string, std::less<>> teams_;
  std::vector<std::string> drop_;
  otlet::Column service_, team_, name_;
};

OTLET_PLUGIN(MANIFEST, Owner::make)
