// Lua 5.4 (lua/, as its authors published it) in one piece, without files, processes, native libraries and debug hooks.
#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

unsigned int otlet_lua_seed(void);

#define LUA_CORE
#define LUA_LIB
#define ltable_c
#define lvm_c
#include "lua/luaconf.h"

#undef LUAI_FUNC
#undef LUAI_DDEC
#undef LUAI_DDEF
#define LUAI_FUNC static
#define LUAI_DDEC(def)
#define LUAI_DDEF static

#define luai_makeseed(L) ((void)L, otlet_lua_seed())
#define l_randomizePivot() 0
#undef lua_getlocaledecpoint
#define lua_getlocaledecpoint() '.'

// In this order: what a file uses stands before it.
// clang-format off
#include "lua/lzio.c"
#include "lua/lctype.c"
#include "lua/lopcodes.c"
#include "lua/lmem.c"
#include "lua/lundump.c"
#include "lua/ldump.c"
#include "lua/lstate.c"
#include "lua/lgc.c"
#include "lua/llex.c"
#include "lua/lcode.c"
#include "lua/lparser.c"
#include "lua/ldebug.c"
#include "lua/lfunc.c"
#include "lua/lobject.c"
#include "lua/ltm.c"
#include "lua/lstring.c"
#include "lua/ltable.c"
#include "lua/ldo.c"
#include "lua/lvm.c"
#include "lua/lapi.c"
#include "lua/lauxlib.c"
#include "lua/lbaselib.c"
#include "lua/lcorolib.c"
#include "lua/lmathlib.c"
#include "lua/lstrlib.c"
#include "lua/ltablib.c"
#include "lua/lutf8lib.c"
// clang-format on
