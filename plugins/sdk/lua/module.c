// The table `otlet` of a script. Rows are numbered from 0, as the contract has them; lists begin at 1, as Lua's.
#define OTLET_PART
#include "otlet.h"

#include "module.h"

static const char COLUMN[] = "otlet.column", READ[] = "otlet.read", LEAVES[] = "otlet.leaves";

static otlet_text text_of(lua_State *L, int index) {
  otlet_text text;
  text.ptr = (uint8_t *)luaL_checklstring(L, index, &text.len);
  return text;
}

static void push_text(lua_State *L, otlet_text text) { lua_pushlstring(L, (const char *)text.ptr, text.len); }

// Values ------------------------------------------------------------------------------------------------------------

static const char *const KINDS[] = {"empty", "text", "boolean", "integer", "double", "bytes", "json", NULL};

// Pushes a value and gives its memory back.
static void push_value(lua_State *L, otlet_plugin_types_value_t *value) {
  switch (value->tag) {
    case OTLET_PLUGIN_TYPES_VALUE_TEXT: push_text(L, value->val.text); break;
    case OTLET_PLUGIN_TYPES_VALUE_BOOLEAN: lua_pushboolean(L, value->val.boolean); break;
    case OTLET_PLUGIN_TYPES_VALUE_INTEGER: lua_pushinteger(L, value->val.integer); break;
    case OTLET_PLUGIN_TYPES_VALUE_DOUBLE: lua_pushnumber(L, value->val.double_); break;
    case OTLET_PLUGIN_TYPES_VALUE_BYTES: lua_pushlstring(L, (const char *)value->val.bytes.ptr, value->val.bytes.len); break;
    case OTLET_PLUGIN_TYPES_VALUE_JSON: push_text(L, value->val.json); break;
    default: lua_pushnil(L);
  }
  otlet_plugin_types_value_free(value);
}

// The value of a Lua value, which stays Lua's. `kind` is "json" or "bytes" for a string that is no text.
static otlet_plugin_types_value_t value_of(lua_State *L, int index, int kind) {
  otlet_plugin_types_value_t value = {.tag = OTLET_PLUGIN_TYPES_VALUE_EMPTY};
  switch (lua_type(L, index)) {
    case LUA_TNIL: break;
    case LUA_TBOOLEAN:
      value.tag = OTLET_PLUGIN_TYPES_VALUE_BOOLEAN;
      value.val.boolean = lua_toboolean(L, index);
      break;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) {
        value.tag = OTLET_PLUGIN_TYPES_VALUE_INTEGER;
        value.val.integer = lua_tointeger(L, index);
      } else {
        value.tag = OTLET_PLUGIN_TYPES_VALUE_DOUBLE;
        value.val.double_ = lua_tonumber(L, index);
      }
      break;
    case LUA_TSTRING: {
      bool other = kind == OTLET_PLUGIN_TYPES_VALUE_BYTES || kind == OTLET_PLUGIN_TYPES_VALUE_JSON;
      value.tag = (uint8_t)(other ? kind : OTLET_PLUGIN_TYPES_VALUE_TEXT);
      value.val.text = text_of(L, index);
      break;
    }
    default: luaL_error(L, "a %s is no value: arrays and maps are JSON", luaL_typename(L, index));
  }
  return value;
}

static int kind_of(lua_State *L, int index) { return luaL_checkoption(L, index, "text", KINDS); }

// Config ------------------------------------------------------------------------------------------------------------

void otlet_push_setting(lua_State *L, const char *pointer) {
  luaL_checkstack(L, 4, "the config is too deep");
  otlet_text path = otlet_of(pointer);
  otlet_plugin_types_value_t value;
  if (!otlet_plugin_host_setting(&path, &value)) {
    lua_pushnil(L);
    return;
  }
  if (value.tag != OTLET_PLUGIN_TYPES_VALUE_JSON) {
    push_value(L, &value);
    return;
  }
  bool array = value.val.json.len && value.val.json.ptr[0] == '[';
  otlet_plugin_types_value_free(&value);
  otlet_keys keys = otlet_settings(pointer);
  lua_createtable(L, array ? (int)keys.len : 0, array ? 0 : (int)keys.len);
  for (size_t i = 0; i < keys.len; i++) {
    char *child = otlet_child(pointer, keys.ptr[i]);
    push_text(L, keys.ptr[i]);
    otlet_push_setting(L, child);
    free(child);
    if (array) {
      lua_rawseti(L, -3, (lua_Integer)i + 1);
      lua_pop(L, 1);
    } else {
      lua_rawset(L, -3);
    }
  }
  plugin_list_string_free(&keys);
}

// Rows --------------------------------------------------------------------------------------------------------------

// A number of the stack that the contract has 32 bits for; others are an error rather than cut short.
static uint32_t small(lua_State *L, int index) {
  lua_Integer number = luaL_checkinteger(L, index);
  if (number < 0 || number > UINT32_MAX) luaL_error(L, "%I is not from 0 to 4294967295", (LUAI_UACINT)number);
  return (uint32_t)number;
}

// The rows of a list, in memory that Lua collects. It stays on the stack.
static otlet_rows rows_of(lua_State *L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  otlet_rows rows = {NULL, lua_rawlen(L, index)};
  rows.ptr = lua_newuserdatauv(L, (rows.len + 1) * sizeof *rows.ptr, 0);
  for (size_t i = 0; i < rows.len; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    rows.ptr[i] = small(L, -1);
    lua_pop(L, 1);
  }
  return rows;
}

// The same, or NULL for nil, which is every row.
static otlet_rows *some_rows(lua_State *L, int index, otlet_rows *rows) {
  if (lua_isnoneornil(L, index)) return NULL;
  *rows = rows_of(L, index);
  return rows;
}

// Columns -----------------------------------------------------------------------------------------------------------

static otlet_column column_at(lua_State *L, int index) { return *(otlet_column *)luaL_checkudata(L, index, COLUMN); }

static int opened(lua_State *L, const char *error, otlet_column column) {
  if (error) return luaL_error(L, "%s", error);
  *(otlet_column *)lua_newuserdatauv(L, sizeof column, 0) = column;
  luaL_setmetatable(L, COLUMN);
  return 1;
}

// otlet.column(path)
static int open_column(lua_State *L) {
  otlet_column column;
  const char *error = otlet_open(luaL_checkstring(L, 1), &column);
  return opened(L, error, column);
}

// otlet.attribute(table, key)
static int open_attribute(lua_State *L) {
  otlet_column column;
  const char *error = otlet_open_attribute(luaL_checkstring(L, 1), text_of(L, 2), &column);
  return opened(L, error, column);
}

// What a column was read into, until the loop over it ends.
typedef struct {
  int kind;
  size_t row;
  union {
    otlet_texts texts;
    otlet_integers integers;
    otlet_doubles doubles;
  } of;
} read_column;

static int give_back(lua_State *L) {
  read_column *read = luaL_checkudata(L, 1, READ);
  switch (read->kind) {
    case OTLET_PLUGIN_TYPES_VALUE_TEXT: otlet_texts_free(&read->of.texts); break;
    case OTLET_PLUGIN_TYPES_VALUE_INTEGER: otlet_integers_free(&read->of.integers); break;
    case OTLET_PLUGIN_TYPES_VALUE_DOUBLE: otlet_doubles_free(&read->of.doubles); break;
    default: break;
  }
  read->kind = OTLET_PLUGIN_TYPES_VALUE_EMPTY;
  return 0;
}

// The next row that has a value.
static int next_row(lua_State *L) {
  read_column *read = luaL_checkudata(L, 1, READ);
  for (;;) {
    size_t row = read->row++;
    otlet_text text;
    if (read->kind == OTLET_PLUGIN_TYPES_VALUE_TEXT && row < read->of.texts.ends.len) {
      if (!otlet_text_at(&read->of.texts, row, &text)) continue;
      lua_pushinteger(L, (lua_Integer)row);
      push_text(L, text);
    } else if (read->kind == OTLET_PLUGIN_TYPES_VALUE_INTEGER && row < read->of.integers.items.len) {
      if (!otlet_has(&read->of.integers.present, row)) continue;
      lua_pushinteger(L, (lua_Integer)row);
      lua_pushinteger(L, read->of.integers.items.ptr[row]);
    } else if (read->kind == OTLET_PLUGIN_TYPES_VALUE_DOUBLE && row < read->of.doubles.items.len) {
      if (!otlet_has(&read->of.doubles.present, row)) continue;
      lua_pushinteger(L, (lua_Integer)row);
      lua_pushnumber(L, read->of.doubles.items.ptr[row]);
    } else {
      return give_back(L);
    }
    return 2;
  }
}

static read_column *begin_read(lua_State *L) {
  lua_pushcfunction(L, next_row);
  read_column *read = lua_newuserdatauv(L, sizeof *read, 0);
  read->kind = OTLET_PLUGIN_TYPES_VALUE_EMPTY;
  read->row = 0;
  luaL_setmetatable(L, READ);
  return read;
}

// for row, text in column:texts() do
static int texts(lua_State *L) {
  otlet_column column = column_at(L, 1);
  read_column *read = begin_read(L);
  read->of.texts = otlet_read(column);
  read->kind = OTLET_PLUGIN_TYPES_VALUE_TEXT;
  return 2;
}

// for row, integer in column:integers() do
static int integers(lua_State *L) {
  otlet_column column = column_at(L, 1);
  read_column *read = begin_read(L);
  read->of.integers = otlet_read_integers(column);
  read->kind = OTLET_PLUGIN_TYPES_VALUE_INTEGER;
  return 2;
}

// for row, number in column:doubles() do
static int doubles(lua_State *L) {
  otlet_column column = column_at(L, 1);
  read_column *read = begin_read(L);
  read->of.doubles = otlet_read_doubles(column);
  read->kind = OTLET_PLUGIN_TYPES_VALUE_DOUBLE;
  return 2;
}

// column:ids(): a string of 16 or 8 bytes a row
static int ids(lua_State *L) {
  plugin_list_u8_t bytes;
  otlet_plugin_batch_ids(column_at(L, 1), &bytes);
  lua_pushlstring(L, (const char *)bytes.ptr, bytes.len);
  plugin_list_u8_free(&bytes);
  return 1;
}

// value, kind = column:get(row)
static int get(lua_State *L) {
  otlet_plugin_types_value_t value;
  if (!otlet_plugin_batch_get(column_at(L, 1), small(L, 2), &value)) return 0;
  const char *kind = KINDS[value.tag];
  push_value(L, &value);
  lua_pushstring(L, kind);
  return 2;
}

// column:set(rows, values [, kind]): one value for each of these rows
static int set(lua_State *L) {
  otlet_column column = column_at(L, 1);
  luaL_checktype(L, 3, LUA_TTABLE);
  int kind = kind_of(L, 4);
  lua_settop(L, 4);
  otlet_rows rows, *some = some_rows(L, 2, &rows);
  otlet_plugin_batch_list_value_t values = {NULL, lua_rawlen(L, 3)};
  values.ptr = lua_newuserdatauv(L, (values.len + 1) * sizeof *values.ptr, 0);
  for (size_t i = 0; i < values.len; i++) {
    // Texts are the list's: it holds them while they are read.
    lua_rawgeti(L, 3, (lua_Integer)i + 1);
    values.ptr[i] = value_of(L, -1, kind);
    lua_pop(L, 1);
  }
  otlet_plugin_batch_set_values(column, some, &values);
  return 0;
}

// column:fill(rows, value [, kind]): the same value into these rows
static int fill(lua_State *L) {
  otlet_column column = column_at(L, 1);
  luaL_checkany(L, 3);
  otlet_plugin_types_value_t value = value_of(L, 3, kind_of(L, 4));
  otlet_rows rows, *some = some_rows(L, 2, &rows);
  otlet_plugin_batch_fill(column, some, &value);
  return 0;
}

// column:unset(rows)
static int unset(lua_State *L) {
  otlet_rows rows, *some = some_rows(L, 2, &rows);
  otlet_unset(column_at(L, 1), some);
  return 0;
}

// column:copy(target, rows)
static int copy(lua_State *L) {
  otlet_rows rows, *some = some_rows(L, 3, &rows);
  otlet_plugin_batch_copy(column_at(L, 1), column_at(L, 2), some);
  return 0;
}

// The batch ---------------------------------------------------------------------------------------------------------

static int signal_of(lua_State *L) {
  otlet_text signal;
  otlet_plugin_batch_signal(&signal);
  push_text(L, signal);
  plugin_string_free(&signal);
  return 1;
}

static int row_count(lua_State *L) {
  lua_pushinteger(L, otlet_rows_of(luaL_checkstring(L, 1)));
  return 1;
}

// otlet.parents(table, above): parents[row] is its row above
static int parents(lua_State *L) {
  otlet_rows rows = otlet_parents(luaL_checkstring(L, 1), luaL_checkstring(L, 2));
  lua_createtable(L, (int)rows.len, 1);
  for (size_t row = 0; row < rows.len; row++) {
    lua_pushinteger(L, rows.ptr[row]);
    lua_rawseti(L, -2, (lua_Integer)row);
  }
  plugin_list_u32_free(&rows);
  return 1;
}

static int keys(lua_State *L) {
  otlet_text table = text_of(L, 1);
  otlet_keys keys;
  otlet_plugin_batch_keys(&table, &keys);
  lua_createtable(L, (int)keys.len, 0);
  for (size_t i = 0; i < keys.len; i++) {
    push_text(L, keys.ptr[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  plugin_list_string_free(&keys);
  return 1;
}

// otlet.drop(table, rows)
static int drop(lua_State *L) {
  otlet_rows rows = rows_of(L, 2);
  otlet_drop(luaL_checkstring(L, 1), &rows);
  return 0;
}

// otlet.otlp(): the batch as an OTLP export request
static int otlp(lua_State *L) {
  plugin_list_u8_t bytes;
  otlet_plugin_batch_to_otlp(&bytes);
  lua_pushlstring(L, (const char *)bytes.ptr, bytes.len);
  plugin_list_u8_free(&bytes);
  return 1;
}

// otlet.replace(request)
static int replace(lua_State *L) {
  otlet_text request = text_of(L, 1), error;
  plugin_list_u8_t bytes = {request.ptr, request.len};
  if (otlet_plugin_batch_replace_with_otlp(&bytes, &error)) return 0;
  push_text(L, error);
  plugin_string_free(&error);
  return lua_error(L);
}

// Leaves ------------------------------------------------------------------------------------------------------------

// The texts of a list, which stay Lua's, in memory that Lua collects.
static plugin_list_string_t texts_of(lua_State *L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  plugin_list_string_t list = {NULL, lua_rawlen(L, index)};
  list.ptr = lua_newuserdatauv(L, (list.len + 1) * sizeof *list.ptr, 0);
  for (size_t i = 0; i < list.len; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "a %s stands in a list of texts", luaL_typename(L, -1));
    list.ptr[i] = text_of(L, -1);
    lua_pop(L, 1);
  }
  return list;
}

typedef struct {
  size_t leaf;
  otlet_plugin_types_leaves_t of;
} read_leaves;

static int give_leaves_back(lua_State *L) {
  read_leaves *read = luaL_checkudata(L, 1, LEAVES);
  otlet_plugin_types_leaves_free(&read->of);
  memset(&read->of, 0, sizeof read->of);
  return 0;
}

static int next_leaf(lua_State *L) {
  read_leaves *read = luaL_checkudata(L, 1, LEAVES);
  size_t leaf = read->leaf++;
  if (leaf >= read->of.rows.len) return give_leaves_back(L);
  otlet_text text = {NULL, 0};
  otlet_text_at(&read->of.texts, leaf, &text);
  uint32_t place = read->of.places.ptr[leaf];
  lua_pushinteger(L, (lua_Integer)leaf);
  push_text(L, text);
  lua_pushinteger(L, read->of.rows.ptr[leaf]);
  push_text(L, read->of.place_paths.ptr[place]);
  push_text(L, read->of.place_kinds.ptr[place]);
  return 5;
}

// for leaf, text, row, path, kind in otlet.leaves(tables, kinds) do
static int leaves(lua_State *L) {
  plugin_list_string_t tables = texts_of(L, 1), kinds = texts_of(L, 2);
  lua_pushcfunction(L, next_leaf);
  read_leaves *read = lua_newuserdatauv(L, sizeof *read, 0);
  memset(read, 0, sizeof *read);
  luaL_setmetatable(L, LEAVES);
  otlet_plugin_batch_all_leaves(&tables, &kinds, &read->of);
  return 2;
}

// otlet.replace_leaves(leaves, texts): other texts for these leaves, ascending
static int replace_leaves(lua_State *L) {
  otlet_rows numbers = rows_of(L, 1);
  plugin_list_string_t list = texts_of(L, 2);
  otlet_texts texts = otlet_pack(list.ptr, list.len);
  otlet_plugin_batch_replace_leaves(&numbers, &texts);
  otlet_texts_free(&texts);
  return 0;
}

// The host ----------------------------------------------------------------------------------------------------------

static int log_line(lua_State *L) {
  otlet_text level = text_of(L, 1), message = text_of(L, 2);
  otlet_plugin_host_log(&level, &message);
  return 0;
}

// otlet.count(name [, add])
static int count(lua_State *L) {
  otlet_count(luaL_checkstring(L, 1), lua_isnoneornil(L, 2) ? 1 : small(L, 2));
  return 0;
}

static int now(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)otlet_plugin_host_now());
  return 1;
}

static int seed(lua_State *L) {
  plugin_list_u8_t bytes;
  otlet_plugin_host_seed(&bytes);
  lua_pushlstring(L, (const char *)bytes.ptr, bytes.len);
  plugin_list_u8_free(&bytes);
  return 1;
}

static const luaL_Reg METHODS[] = {
    {"texts", texts}, {"integers", integers}, {"doubles", doubles}, {"ids", ids},   {"get", get},
    {"set", set},     {"fill", fill},         {"unset", unset},     {"copy", copy}, {NULL, NULL},
};

static const luaL_Reg FUNCTIONS[] = {
    {"column", open_column}, {"attribute", open_attribute}, {"signal", signal_of}, {"rows", row_count},
    {"parents", parents},    {"keys", keys},                {"drop", drop},        {"otlp", otlp},
    {"replace", replace},    {"leaves", leaves},            {"replace_leaves", replace_leaves},
    {"log", log_line},       {"count", count},              {"now", now},          {"seed", seed},
    {NULL, NULL},
};

void otlet_push_module(lua_State *L) {
  luaL_newmetatable(L, COLUMN);
  luaL_newlib(L, METHODS);
  lua_setfield(L, -2, "__index");
  luaL_newmetatable(L, READ);
  lua_pushcfunction(L, give_back);
  lua_setfield(L, -2, "__gc");
  luaL_newmetatable(L, LEAVES);
  lua_pushcfunction(L, give_leaves_back);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 3);
  luaL_newlib(L, FUNCTIONS);
}
