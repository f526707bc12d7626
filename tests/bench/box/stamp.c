/* A program without libc that writes when it began (CLOCK_MONOTONIC,
 * nanoseconds, 20 digits and a newline) and ends. */
_Noreturn void _start(void);

struct stamp {
    long s, ns;
};

static long call3(long nr, long a, long b, long c)
{
#if defined(__x86_64__)
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return ret;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2)
                     : "memory", "cc");
    return x0;
#else
#error "add the system call instruction of this architecture"
#endif
}

#if defined(__x86_64__)
enum {
    NR_WRITE = 1,
    NR_CLOCK = 228,
    NR_EXIT = 231
};
#else
enum {
    NR_WRITE = 64,
    NR_CLOCK = 113,
    NR_EXIT = 94
};
#endif

void _start(void)
{
    struct stamp t = {0, 0};
    unsigned long ns;
    char text[21];

    (void)call3(NR_CLOCK, 1, (long)&t, 0);
    ns = (unsigned long)t.s * 1000000000ul + (unsigned long)t.ns;
    for (int i = 19; i >= 0; i--) {
        text[i] = (char)('0' + ns % 10);
        ns /= 10;
    }
    text[20] = '\n';
    (void)call3(NR_WRITE, 1, (long)text, sizeof(text));
    for (;;)
        (void)call3(NR_EXIT, 0, 0, 0);
}
