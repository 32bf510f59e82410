// Plugin owner says which team's each service is, and drops spans that nobody wants to see.
#include "otlet.h"

static const char *otlet_describe(void) {
  return "{\"version\": \"0.1.0\", \"signals\": [\"traces\", \"metrics\", \"logs\"], \"on_error\": \"pass\","
         " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"teams\"],"
         " \"properties\": {"
         "  \"teams\": {\"description\": \"The team of each service, by its service.name.\", \"type\": \"object\","
         "   \"minProperties\": 1, \"additionalProperties\": {\"type\": \"string\"}},"
         "  \"attribute\": {\"description\": \"The attribute of the resource that is set.\", \"type\": \"string\","
         "   \"minLength\": 1, \"default\": \"team\"},"
         "  \"drop\": {\"description\": \"Spans whose name begins with one of these are dropped.\", \"type\": \"array\","
         "   \"items\": {\"type\": \"string\", \"minLength\": 1}}}}}";
}

// The config. It lives as long as the instance.
static struct {
  otlet_keys services;  // and the team of each
  otlet_text *teams;
  otlet_text *drop;
  size_t drops;
} config;

static otlet_column service, team, name;

static const char *otlet_configure(void) {
  config.services = otlet_settings("/teams");
  config.teams = calloc(config.services.len, sizeof *config.teams);
  for (size_t i = 0; i < config.services.len; i++) {
    char *pointer = otlet_child("/teams", config.services.ptr[i]);
    otlet_setting_text(pointer, &config.teams[i]);
    free(pointer);
  }
  otlet_keys numbers = otlet_settings("/drop");
  config.drop = calloc(numbers.len, sizeof *config.drop);
  for (; config.drops < numbers.len; config.drops++) {
    char *pointer = otlet_child("/drop", numbers.ptr[config.drops]);
    otlet_setting_text(pointer, &config.drop[config.drops]);
    free(pointer);
  }
  plugin_list_string_free(&numbers);
  otlet_text attribute = otlet_of("team");
  otlet_setting_text("/attribute", &attribute);

  const char *error = otlet_open("resource.attributes[\"service.name\"]", &service);
  if (!error) error = otlet_open_attribute("resource", attribute, &team);
  if (!error) error = otlet_open("span.name", &name);
  if (error) return error;
  otlet_log("info", "owner sets \"%.*s\" for %zu services", (int)attribute.len, (const char *)attribute.ptr,
            config.services.len);
  return NULL;
}

static void set_teams(void) {
  otlet_texts services = otlet_read(service);
  otlet_rows rows = {0};
  otlet_text *teams = calloc(otlet_texts_rows(&services), sizeof *teams), of;
  for (uint32_t row = 0; row < otlet_texts_rows(&services); row++) {
    if (!otlet_text_at(&services, row, &of)) continue;
    for (size_t i = 0; i < config.services.len; i++) {
      if (otlet_is(of, config.services.ptr[i])) {
        teams[rows.len] = config.teams[i];
        otlet_rows_add(&rows, row);
      }
    }
  }
  otlet_write(team, &rows, teams, rows.len);
  otlet_count("resources_owned", rows.len);
  free(teams);
  plugin_list_u32_free(&rows);
  otlet_texts_free(&services);
}

static bool unwanted(otlet_text span) {
  for (size_t i = 0; i < config.drops; i++) {
    if (otlet_begins(span, config.drop[i])) return true;
  }
  return false;
}

static void drop_spans(void) {
  otlet_texts names = otlet_read(name);
  otlet_rows dropped = {0};
  otlet_text span;
  for (uint32_t row = 0; row < otlet_texts_rows(&names); row++) {
    if (otlet_text_at(&names, row, &span) && unwanted(span)) otlet_rows_add(&dropped, row);
  }
  otlet_drop("record", &dropped);
  otlet_count("spans_dropped", dropped.len);
  plugin_list_u32_free(&dropped);
  otlet_texts_free(&names);
}

static const char *otlet_process(void) {
  set_teams();
  if (otlet_signal_is("traces")) drop_spans();
  return NULL;
}
