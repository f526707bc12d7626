#ifndef SIDECAR_SANDBOX_NAMES_H
#define SIDECAR_SANDBOX_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/wire/limits.h"

/*
 * Which seccomp profiles a configuration has. There is one launcher for each,
 * so the place of a name in this list is the index of its launcher: the
 * built-in ones first, then the custom ones by the name of their file,
 * sandbox/NAME.yaml.
 * Supervisor, gate and launchers each make the list from the same bundle.
 */
#define SANDBOX_BUILTIN_COUNT    5
#define SANDBOX_PROFILE_NAME_MAX 32

extern const char *const sandbox_builtin_names[SANDBOX_BUILTIN_COUNT + 1];

struct sandbox_names {
    uint32_t count;
    char list[TS_LAUNCHERS_MAX][SANDBOX_PROFILE_NAME_MAX + 1];
};

/* The built-in ones. */
void sandbox_names_init(struct sandbox_names *n);

/*
 * A file of the bundle, "sandbox/NAME.yaml". TS_E_INVALID: not such a name, or
 * one that is taken (reterr says what to do); TS_E_LIMIT: too many.
 */
TS_NODISCARD ts_err sandbox_names_add(struct sandbox_names *n,
                                      struct ts_str file, const char **reterr);

/* The index, or -1. */
int sandbox_profile_index(const struct sandbox_names *n, struct ts_str name);

#endif
