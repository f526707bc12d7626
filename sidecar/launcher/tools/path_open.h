#ifndef SIDECAR_LAUNCHER_TOOLS_PATH_OPEN_H
#define SIDECAR_LAUNCHER_TOOLS_PATH_OPEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * Opens what a manifest names. Where tools may write, a tool could put a link
 * in the place of a folder that another manifest names, and the next load would
 * give that other one what the link leads to (CVE-2024-42472 is of this kind).
 * So the way is walked folder by folder, and a link that lies in or beneath a
 * folder that some manifest lets tools write is not followed; any other is.
 */
struct path_root {
    dev_t dev;
    ino_t ino;
};

struct path_roots { /* all that any manifest lets tools write */
    struct path_root *list;
    uint32_t count;
};

struct manifests; /* sidecar/common/manifest/manifest.h */
/* The list lives in the arena. */
TS_NODISCARD ts_err path_roots_of(const struct manifests *all,
                                  struct ts_arena *arena,
                                  struct path_roots *ret);

/* flags: 0 or O_DIRECTORY. *ret: an O_PATH descriptor. On failure *reterr_why
 * is static text. */
TS_NODISCARD ts_err path_open(const char *path, int flags,
                              const struct path_roots *roots, int *ret,
                              const char **reterr_why);

#endif
