// What clang makes of setjmp and longjmp with -wasm-enable-sjlj calls these.
#include <stdint.h>

#include "setjmp.h"

// The tag of the exceptions that longjmp throws.
__asm__(".globl __c_longjmp\n"
        ".tagtype __c_longjmp i32\n"
        "__c_longjmp:\n");

void __wasm_setjmp(void *env, uint32_t label, void *call) {
  jmp_buf *here = env;
  (*here)->call = call;
  (*here)->label = label;
}

// Where the call goes on, or 0 if the exception is not for it.
uint32_t __wasm_setjmp_test(void *env, void *call) {
  jmp_buf *here = env;
  return (*here)->call == call ? (*here)->label : 0;
}

_Noreturn void __wasm_longjmp(void *env, int value) {
  jmp_buf *there = env;
  (*there)->thrown.env = env;
  (*there)->thrown.value = value ? value : 1;
  __builtin_wasm_throw(1, &(*there)->thrown);
}
