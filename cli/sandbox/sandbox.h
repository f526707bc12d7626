#ifndef CLI_SANDBOX_SANDBOX_H
#define CLI_SANDBOX_SANDBOX_H

#include <stdbool.h>

#include "sidecar/sandbox/profile.h"

/* tipstaff sandbox: seccomp profiles, read with the launcher's own code. */
int cmd_sandbox(int argc, char **argv);

int sandbox_lint(int argc, char **argv);
int sandbox_show(int argc, char **argv);
int sandbox_explain(int argc, char **argv);
int sandbox_trace(int argc, char **argv);

/* A profile that an operand names: a built-in one, or a file. */
struct sandbox_loaded { /* lives in the arena */
    struct sandbox_source source;
    struct sandbox_profile *p;
};
/* Prints the error itself. */
bool sandbox_load(const char *operand, struct ts_arena *arena,
                  struct sandbox_loaded *ret);

#endif
