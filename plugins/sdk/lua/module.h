// What the parts of the glue share.
#ifndef OTLET_MODULE_H
#define OTLET_MODULE_H

#include "lua/lua.h"
#include "lua/lauxlib.h"

// The table `otlet` that scripts see, on top of the stack.
void otlet_push_module(lua_State *L);
// What stands in the config at a JSON pointer, on top of the stack: tables, texts, numbers and booleans.
void otlet_push_setting(lua_State *L, const char *pointer);

#endif
