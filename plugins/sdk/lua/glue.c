// What the host calls, handed on to the script.
#include "otlet.h"

#include "lua/lualib.h"
#include "module.h"

extern const unsigned char otlet_script[];
extern const unsigned long otlet_script_length;

static lua_State *lua;

unsigned int otlet_lua_seed(void) {
  plugin_list_u8_t bytes;
  unsigned int seed;
  otlet_plugin_host_random(sizeof seed, &bytes);
  memcpy(&seed, bytes.ptr, sizeof seed);
  plugin_list_u8_free(&bytes);
  return seed;
}

static const luaL_Reg LIBRARIES[] = {
    {LUA_GNAME, luaopen_base},          {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
    {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math},    {LUA_UTF8LIBNAME, luaopen_utf8},
};

// Runs the script, which returns the plugin: a table that stays under the script's address in the registry.
static int run(lua_State *L) {
  for (size_t i = 0; i < sizeof LIBRARIES / sizeof *LIBRARIES; i++) {
    luaL_requiref(L, LIBRARIES[i].name, LIBRARIES[i].func, 1);
    lua_pop(L, 1);
  }
  otlet_push_module(L);
  lua_setglobal(L, "otlet");
  if (luaL_loadbuffer(L, (const char *)otlet_script, otlet_script_length, "=plugin.lua") != LUA_OK) return lua_error(L);
  lua_call(L, 0, 1);
  if (!lua_istable(L, -1)) return luaL_error(L, "the script returns no plugin: end it with `return plugin`");
  lua_rawsetp(L, LUA_REGISTRYINDEX, otlet_script);
  return 0;
}

static const char *begin(void) {
  if (lua) return NULL;
  lua = luaL_newstate();
  if (!lua) abort();
  lua_pushcfunction(lua, run);
  if (lua_pcall(lua, 0, 0, 0) == LUA_OK) return NULL;
  return otlet_error("%s", luaL_tolstring(lua, -1, NULL));
}

// Puts what the plugin has under a name on the stack.
static void push(const char *name) {
  lua_rawgetp(lua, LUA_REGISTRYINDEX, otlet_script);
  lua_getfield(lua, -1, name);
  lua_remove(lua, -2);
}

static int configure(lua_State *L) {
  push("configure");
  if (lua_isnil(L, -1)) return 0;
  otlet_push_setting(L, "");
  lua_call(L, 1, 0);
  return 0;
}

static int process(lua_State *L) {
  push("process");
  lua_call(L, 0, 0);
  return 0;
}

static const char *call(lua_CFunction function) {
  lua_settop(lua, 0);
  lua_pushcfunction(lua, function);
  if (lua_pcall(lua, 0, 0, 0) == LUA_OK) return NULL;
  return otlet_error("%s", luaL_tolstring(lua, -1, NULL));
}

static const char *otlet_describe(void) {
  const char *error = begin();
  if (error) {
    // `describe` has no other way to say so.
    otlet_log("error", "%s", error);
    abort();
  }
  push("manifest");
  return luaL_optstring(lua, -1, "{}");
}

static const char *otlet_configure(void) {
  const char *error = begin();
  return error ? error : call(configure);
}

static const char *otlet_process(void) { return call(process); }
