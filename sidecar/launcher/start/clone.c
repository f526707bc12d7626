#include "sidecar/launcher/start/clone.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)64 << 10)

ts_err clone_stack_make(struct clone_stack *ret)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct clone_stack s = {.len = STACK_BYTES + page};

    s.map = mmap(NULL, s.len, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (s.map == MAP_FAILED)
        return TS_E_NOMEM;
    if (mprotect(s.map, page, PROT_NONE) != 0) {
        (void)munmap(s.map, s.len);
        return TS_E_SYSTEM;
    }
    *ret = s;
    return TS_OK;
}

/* The order of the arguments differs: x86-64 has (flags, stack, parent's tid,
 * child's tid, tls), arm64 (flags, stack, parent's tid, tls, child's tid). Both
 * of the last two are unused here. */
static long clone_raw(unsigned long flags, void *top, int *tid,
                      int (*fn)(void *), void *arg, uint64_t word)
{
#if defined(__x86_64__)
    register int *rdx __asm__("rdx") = tid;
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    register uint64_t r9 __asm__("r9") = word;
    register int (*r12)(void *) __asm__("r12") = fn;
    register void *r13 __asm__("r13") = arg;
    long ret;

    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t" /* the last frame */
                     "movq %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "movl %%eax, %%edi\n\t"
                     "movl %[exit], %%eax\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(ret), "+r"(rdx), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "a"((long)SYS_clone), "D"(flags), "S"(top), "r"(r12),
                       "r"(r13), [exit] "i"(SYS_exit_group)
                     : "rcx", "r11", "cc", "memory");
    return ret;
#elif defined(__aarch64__)
    register long x0 __asm__("x0") = (long)flags;
    register void *x1 __asm__("x1") = top;
    register int *x2 __asm__("x2") = tid;
    register long x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    register uint64_t x5 __asm__("x5") = word;
    register long x8 __asm__("x8") = SYS_clone;
    register int (*x9)(void *) __asm__("x9") = fn;
    register void *x10 __asm__("x10") = arg;

    __asm__ volatile("svc 0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t" /* the last frame */
                     "mov x30, xzr\n\t"
                     "mov x0, x10\n\t"
                     "blr x9\n\t"
                     "mov x8, %[exit]\n\t"
                     "svc 0\n\t"
                     "brk 1\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8),
                       "r"(x9), "r"(x10), [exit] "i"(SYS_exit_group)
                     : "x30", "cc", "memory");
    return x0;
#else
#error "add clone(2) of this architecture"
#endif
}

long clone_run(unsigned long flags, const struct clone_stack *stack, int *tid,
               int (*fn)(void *), void *arg, const struct filter_key *key)
{
    unsigned long memory = (flags & CLONE_RUN_COPY) != 0 ? 0 : CLONE_VM;

    /* page-aligned, hence aligned enough for either architecture */
    return clone_raw((flags & ~CLONE_RUN_COPY) | memory | CLONE_VFORK |
                         CLONE_PARENT_SETTID | SIGCHLD,
                     (char *)stack->map + stack->len, tid, fn, arg,
                     key->word[0]);
}
