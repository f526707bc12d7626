/* The table of calls that the launcher makes without a key. */
#include "sidecar/launcher/layers/filter_own.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/sandbox/profile.h"

#define SOME     .some = true
#define KILLS    "ends the processes of a tool with it"
#define WAITS    "learns with it that a tool has ended"
#define CHANNELS "speaks with the gate and the supervisor by it"
#define LOOKS    "looks at paths, limits and processes with it"
#define STARTS   "makes the box of a tool with it"
#define PROBES   "tries with it what a tool could do"
#define RUNS     "cannot run without it"
#define CLOEXEC  0x80000u

/* clang-format off */
const struct filter_own filter_own_calls[] = {
    /* ending tools */
    {"kill", .what_for = KILLS},
    {"pidfd_open", .what_for = KILLS},
    {"pidfd_send_signal", .what_for = KILLS},
    {"getdents64", .what_for = KILLS}, /* of /proc */
    {"wait4", .what_for = WAITS},
    {"waitid", .what_for = WAITS},
    {"rt_sigtimedwait", .what_for = WAITS},
    {"getppid", .what_for = KILLS},
    {"getpid", .what_for = KILLS},
    {"getuid", .what_for = KILLS},
    {"getresuid", .what_for = KILLS},
    /* its watchdog */
    {"futex", .what_for = RUNS},
    {"clock_nanosleep", .what_for = "ends tools that hang at their start with it"},
    {"clock_gettime", .what_for = "knows by it when a limit is over"},
    {"restart_syscall", .what_for = RUNS},
    {"rseq", .what_for = RUNS},
    {"set_robust_list", .what_for = RUNS},
    /* channels */
    {"read", .what_for = CHANNELS},
    {"write", .what_for = CHANNELS},
    {"recvmsg", .what_for = CHANNELS},
    {"sendmsg", SOME, .args = {0, 0, 0x4040}, .what_for = CHANNELS},
    {"recvfrom", .what_for = CHANNELS},
    {"epoll_ctl", .what_for = CHANNELS},
    {"epoll_wait", .what_for = CHANNELS},
    {"epoll_pwait", .older = "epoll_wait", .what_for = CHANNELS},
    {"poll", .what_for = CHANNELS},
    {"ppoll", .what_for = CHANNELS},
    {"close", .what_for = CHANNELS},
    {"fcntl", .what_for = CHANNELS},
    {"pipe2", .what_for = CHANNELS},
    {"socketpair", SOME, .args = {1, 5 | CLOEXEC}, .what_for = CHANNELS},
    /* looking */
    {"openat", SOME, .args = {0, 0, CLOEXEC}, .what_for = LOOKS},
    {"openat", SOME, .args = {0, 0, 0x200000 | CLOEXEC}, .what_for = LOOKS},
    {"openat", SOME, .args = {0, 0, 1 | CLOEXEC}, .what_for = LOOKS},
    {"newfstatat", .what_for = LOOKS},
    {"fstat", .what_for = LOOKS},
    {"statfs", .what_for = LOOKS},
    {"lseek", .what_for = LOOKS},
    {"pread64", .what_for = LOOKS},
    {"readlink", .what_for = LOOKS},
    {"readlinkat", .what_for = LOOKS},
    {"access", .what_for = LOOKS},
    {"faccessat", .older = "access", .what_for = LOOKS},
    {"getgid", .what_for = LOOKS},
    /* starting tools */
    {"landlock_create_ruleset", .what_for = STARTS},
    {"landlock_add_rule", .what_for = STARTS},
    {"landlock_restrict_self", .what_for = STARTS},
    {"seccomp", SOME, .args = {1, 0, 1}, .what_for = STARTS},
    {"rt_sigprocmask", .what_for = STARTS},
    {"setsid", .what_for = STARTS},
    {"umask", .what_for = STARTS},
    {"chdir", .what_for = STARTS},
    {"fchdir", .what_for = STARTS},
    {"getcwd", .what_for = STARTS},
    {"dup3", .what_for = STARTS},
    {"close_range", .what_for = STARTS},
    {"getrandom", .what_for = STARTS},
    {"pwrite64", .what_for = STARTS}, /* a secret into its memfd */
    {"exit_group", .what_for = STARTS},
    /* its canary: a level is served only if the answers are as they should */
    {"capget", .what_for = PROBES},
    {"prctl", SOME, .args = {39}, .what_for = PROBES}, /* NO_NEW_PRIVS? */
    /* memory */
    {"brk", .what_for = RUNS},
    {"mmap", SOME, .args = {0, 4096, 3, 0x22}, .what_for = RUNS},
    {"mmap", SOME, .args = {0, 4096, 1, 1}, .what_for = RUNS}, /* a bundle */
    {"mprotect", SOME, .args = {0, 4096, 0}, .what_for = RUNS},
    {"mprotect", SOME, .args = {0, 4096, 3}, .what_for = RUNS},
    {"munmap", .what_for = RUNS},
    {"mremap", .what_for = RUNS},
    {"madvise", SOME, .args = {0, 4096, 4}, .what_for = RUNS},
    {"rt_sigreturn", .what_for = RUNS},
    {.call = NULL},
};
/* clang-format on */

static bool is_free(const struct sandbox_call *c)
{
    if (c == NULL || c->action != SANDBOX_ALLOW)
        return false;
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->clauses[i].action != SANDBOX_ALLOW)
            return false;
    }
    return true;
}

static int number_of(const struct sandbox_profile *p, const char *call,
                     enum sandbox_arch arch)
{
    int i = sandbox_calls_find(&p->calls, ts_str_of(call));

    return i < 0 ? -1 : p->calls.list[i].nr[arch];
}

static bool is_missing(const struct filter_own *o,
                       const struct sandbox_profile *p,
                       const struct sandbox_model *m)
{
    int nr = number_of(p, o->call, m->arch);

    if (nr < 0 || (o->older != NULL && number_of(p, o->older, m->arch) >= 0))
        return false;
    if (!o->some)
        return !is_free(m->by_nr[nr]);
    return sandbox_model_eval(m, sandbox_arch_audit(m->arch), (uint32_t)nr,
                              o->args) != SANDBOX_ALLOW;
}

/* The line that speaks of the call, else the first. */
static uint32_t line_of(const struct sandbox_profile *p, const char *call)
{
    int i = sandbox_calls_find(&p->calls, ts_str_of(call));

    return i >= 0 && p->lines[i] > 0 ? p->lines[i] : 1;
}

struct refusal {
    char *text;
    size_t cap, len;
    const char *last; /* named; rows of one call stand together */
};

/* What does not fit is left out whole: the next load names it. */
static void name_it(struct refusal *r, const char *call)
{
    size_t left = r->cap - r->len;
    int n;

    if (r->last != NULL && strcmp(r->last, call) == 0)
        return;
    n = snprintf(r->text + r->len, left, "%s%s", r->last != NULL ? ", " : "",
                 call);
    if (n > 0 && (size_t)n + 1 < left) /* and the bracket */
        r->len += (size_t)n;
    else if (left > 0)
        r->text[r->len] = '\0';
    r->last = call;
}

static void begin(struct refusal *r, const struct filter_own *o,
                  const struct sandbox_profile *p, const char *file)
{
    int n = snprintf(
        r->text, r->cap,
        "%s:%u: %s is not allowed%s, but the launcher has this filter "
        "too and %s%s; take that away, or write allow: [",
        file, line_of(p, o->call), o->call,
        o->some ? " as the launcher makes it" : " whatever its arguments",
        strcmp(o->what_for, RUNS) == 0 ? "" : "it ", o->what_for);

    r->len = n < 0 ? 0 : (size_t)n < r->cap ? (size_t)n : r->cap - 1;
}

ts_err filter_own_check(const struct sandbox_profile *profile, const char *file,
                        char *reterr_text, size_t reterr_cap)
{
    struct refusal r = {.text = reterr_text, .cap = reterr_cap};
    struct ts_arena a;
    ts_err e = TS_OK;

    if (reterr_cap == 0)
        return TS_E_LIMIT;
    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    for (int arch = 0; arch < SANDBOX_ARCHS && e == TS_OK; arch++) {
        struct sandbox_model m;

        e = sandbox_profile_model(profile, (enum sandbox_arch)arch, &a, &m);
        for (const struct filter_own *o = filter_own_calls;
             e == TS_OK && o->call != NULL; o++) {
            if (!is_missing(o, profile, &m))
                continue;
            if (r.last == NULL)
                begin(&r, o, profile, file);
            name_it(&r, o->call);
        }
        if (e == TS_OK && r.last != NULL) {
            (void)snprintf(r.text + r.len, r.cap - r.len, "]");
            e = TS_E_INVALID;
        }
    }
    ts_arena_done(&a);
    return e;
}
