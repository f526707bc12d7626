/*
 * Process 1 of a namespace of processes: takes in the orphans of one tool,
 * reaps them, and ends when the launcher kills it, whereupon the kernel ends
 * everything else in the namespace. Nothing can reach it from inside: a signal
 * from its own namespace that it does not handle is not delivered, SIGKILL
 * included, and the launcher started it with all signals blocked.
 *
 * No library, no argument, no environment, no descriptor; it never allocates
 * and never reads. Its children's SIGCHLD stays pending while it is blocked, so
 * none is missed between looking and waiting.
 */
#include <stdint.h>

#include <asm/unistd.h>
#include <linux/wait.h>

#define SIGNAL_CHILD 17
#define SIGSET_BYTES 8
#define WAIT_ALL_    (-1)

void init_main(void);

static long call4(long nr, long a, long b, long c, long d)
{
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return ret;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3)
                     : "memory", "cc");
    return x0;
#else
#error "add the system call instruction of this architecture"
#endif
}

__attribute__((noreturn, used)) void init_main(void)
{
    const uint64_t child = 1ull << (SIGNAL_CHILD - 1);

    for (;;) {
        while (call4(__NR_wait4, WAIT_ALL_, 0, WNOHANG | __WALL, 0) > 0)
            continue;
        (void)call4(__NR_rt_sigtimedwait, (long)(intptr_t)&child, 0, 0,
                    SIGSET_BYTES);
    }
}

/* There is nothing to return to, and nobody to align the stack for us. */
#if defined(__x86_64__)
__asm__(".globl _start\n"
        "_start:\n\t"
        "xor %ebp, %ebp\n\t"
        "and $-16, %rsp\n\t"
        "call init_main\n");
#else
__asm__(".globl _start\n"
        "_start:\n\t"
        "mov x29, xzr\n\t"
        "mov x30, xzr\n\t"
        "b init_main\n");
#endif
