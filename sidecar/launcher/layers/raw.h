#ifndef SIDECAR_LAUNCHER_LAYERS_RAW_H
#define SIDECAR_LAUNCHER_LAYERS_RAW_H

#include <stdint.h>

/*
 * System calls without errno and without a library: between clone(CLONE_VM)
 * and exec the child runs in the launcher's memory, so it may touch nothing
 * that the launcher would notice. All six argument registers can be given,
 * since the filter looks at registers that the kernel itself ignores
 * (filter.h). Returns the kernel's value: negative errno on failure.
 */
static inline long raw_call6(long nr, long a, long b, long c, long d, long e,
                             long f)
{
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
#else
#error "add the system call instruction of this architecture"
#endif
}

static inline long raw_call3(long nr, long a, long b, long c)
{
    return raw_call6(nr, a, b, c, 0, 0, 0);
}

static inline long raw_ptr(const volatile void *p)
{
    return (long)(intptr_t)p;
}

#endif
