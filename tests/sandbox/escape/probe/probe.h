#ifndef TESTS_SANDBOX_ESCAPE_PROBE_PROBE_H
#define TESTS_SANDBOX_ESCAPE_PROBE_PROBE_H

#include <stddef.h>

/*
 * A program that tries to leave its box, in some hundreds of ways, and says of
 * each whether it was stopped. Every probe is harmless by construction: it
 * signals with 0, writes where the runner prepared a place, and asks the
 * kernel for dangerous things with arguments that cannot succeed. It links
 * nothing of ours and is static: it is a stranger in every sandbox.
 *
 *   escape_probe --list           NAME TAB WHAT, a line each
 *   escape_probe FACTS            every probe, each in a child of its own
 *   escape_probe FACTS NAME       one, in this very process
 *
 * FACTS are "K=value;..." with one letter each, told by the runner:
 *   D folder of the victim      P pid of the victim     X address of its secret
 *   L pid of the launcher       N pid of a neighbour    G pid of the gate
 *   T TCP port  U UDP port      A abstract name (stream; dgram: name + "-d")
 *   C folder with the sidecar's configuration   R its agent's socket
 *   K SysV shm id  Q SysV queue id  E SysV semaphore id  M POSIX queue name
 *   H host name                 W mark that names this run
 *   S a folder that it may write (else TMPDIR, else /tmp)
 *
 * A line of output: NAME TAB VERDICT TAB ERRNO TAB NOTE.
 */
enum verdict {
    STOPPED,
    ALLOWED,
    UNSURE
};

struct result {
    enum verdict verdict;
    int err; /* errno of what stopped it, or of the call that went through */
    char note[64];
};

struct probe;
typedef struct result probe_fn(const struct probe *p);

struct probe {
    const char *name; /* area.what */
    const char *what;
    probe_fn *run;
    const char *text; /* a path with @K for fact K, or what run wants */
    long nr;          /* a system call, flags, or what run wants */
    long arg[6];
};

struct area {
    const struct probe *probes;
    size_t count;
};

/* The value of a fact, "" where it is unknown. */
const char *fact(char key);
long fact_number(char key);
/* Replaces each @K; the answer lives until the fourth next call. */
const char *expand(const char *text);
/* A new path in the folder that the probe may write. */
const char *scratch(const char *name);

struct result allowed(void);
struct result stopped(int err);
struct result unsure(const char *note);
struct result noted(struct result r, const char *note);
/* rc < 0 is stopped. */
struct result by(long rc);
/* Stopped only by an errno that means "not you": anything else is an answer
 * from code of the kernel that a box should not let one reach. */
struct result reached(long rc);

/* opens text with flags nr */
probe_fn open_path;
/* the file text holds the value of fact nr (arg[0]: as ":" and hex digits) */
probe_fn file_has;
/* system call nr with arg: by() and reached() */
probe_fn call_by, call_reached;
/* The same with "@K" in text as its first argument (a number). */
probe_fn call_on_fact, call_on_fact_reached;

extern const struct area area_fs, area_write, area_process, area_state,
    area_tty_keys, area_kernel, area_guess, area_privilege, area_namespace,
    area_network, area_unix, area_leaks, area_exec, area_memory, area_ipc,
    area_limits, area_recent, area_walk, area_metadata;

#endif
