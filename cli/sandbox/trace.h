#ifndef CLI_SANDBOX_TRACE_H
#define CLI_SANDBOX_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/sandbox/profile.h"

/*
 * What a program did in one run, and what that would take. Everything lives in
 * the arena; what exceeds a bound is counted and said, never dropped silently.
 */
#define TRACE_PATHS_MAX 1024
#define TRACE_HOSTS_MAX 64
#define TRACE_BASES     4 /* pure, files, net, jit: from less to more */

enum trace_use {
    TRACE_READ = 1,
    TRACE_WRITE = 2,
    TRACE_EXEC = 4
};
struct trace_path {
    const char *path; /* canonical */
    unsigned use;     /* trace_use */
    const char *why;  /* the call that it was first seen in; static */
};
struct trace_host {
    char address[64]; /* numeric */
    uint16_t port;
    bool is_unix;
};
struct trace_base { /* one built-in profile, and what it would have refused */
    const char *name;
    struct sandbox_profile *p;
    struct sandbox_model m;
    bool refused[SANDBOX_NR_END];
    uint64_t sample[SANDBOX_NR_END][SANDBOX_ARGS]; /* first that was */
};
struct trace {
    struct ts_arena *arena;
    struct trace_base base[TRACE_BASES];
    bool called[SANDBOX_NR_END];
    struct trace_path paths[TRACE_PATHS_MAX];
    uint32_t path_count;
    struct trace_host hosts[TRACE_HOSTS_MAX];
    uint32_t host_count;
    uint64_t calls, left_out; /* left_out: paths or hosts beyond the bounds */
    uint32_t processes, threads;
    bool foreign_arch;  /* a call of another architecture: nothing fits */
    char program[4096]; /* the file that was executed first; "" if unknown */
    int status;         /* of the program, as wait(2) gives it */
};

TS_NODISCARD ts_err trace_init(struct trace *t, struct ts_arena *arena);

/* trace_seen.c: one call, with its arguments as the registers hold them. */
void trace_call(struct trace *t, uint32_t nr, const uint64_t args[6]);
void trace_path(struct trace *t, const char *path, unsigned use,
                const char *why);
void trace_host(struct trace *t, const void *address, size_t len);

/* trace_run.c: runs the program and watches it and all that it starts. False:
 * it could not be traced, and the error was printed. */
bool trace_run(struct trace *t, char *const argv[]);

/* trace_propose.c: prints manifest lines and, where no built-in profile fits, a
 * profile, both as YAML. */
void trace_propose(struct trace *t, const char *program);

#endif
