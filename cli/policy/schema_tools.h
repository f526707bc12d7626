#ifndef CLI_POLICY_SCHEMA_TOOLS_H
#define CLI_POLICY_SCHEMA_TOOLS_H

#include <stdbool.h>

#include "proto/base/ts_arena.h"
#include "proto/trust/directory_snapshot.h"
#include "sidecar/common/manifest/manifest.h"

/* Manifests and people, read from files as they are; errors are printed. */

/* The *.yaml of a folder of manifests; profiles of system calls are looked for
 * in ../sandbox. One that would be refused is an error. Free with
 * manifests_free(). */
bool schema_tools_load(const char *dir, struct ts_arena *arena,
                       struct manifests **ret);

/* The source of a directory (YAML) or a signed snapshot, whose signature is not
 * looked at: only names of attributes are wanted of it. */
bool schema_people_load(const char *path, struct ts_arena *arena,
                        struct directory_snapshot *ret);

#endif
