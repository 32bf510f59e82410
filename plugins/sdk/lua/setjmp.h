// setjmp for Lua's errors, which wasi-libc has only since 2024: by WebAssembly's exceptions, which unwind.c throws.
#ifndef OTLET_SETJMP_H
#define OTLET_SETJMP_H

typedef struct {
  void *call;      // the call of setjmp's caller that is to go on
  unsigned label;  // where in it
  struct {
    void *env;
    int value;
  } thrown;
} jmp_buf[1];

int setjmp(jmp_buf) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf, int);

#endif
