#ifndef CLI_DIRECTORY_PLACE_H
#define CLI_DIRECTORY_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_str.h"
#include "proto/trust/directory_snapshot.h"
#include "proto/wire/limits.h"

/*
 * A tenant's folder, DIR/tenants/NAME, and what it holds of the directory: the
 * installed snapshot, the heartbeat, and the keys that may sign them. All
 * functions that return bool print their error themselves.
 */
#define DIR_SNAPSHOT_FILE  "directory.snapshot"
#define DIR_HEARTBEAT_FILE "directory.heartbeat"

struct dir_place {
    const char *config; /* borrowed */
    char tenant[TS_ID_MAX + 1];
    int config_fd, fd; /* owned; of the configuration, and of the tenant */
};

/* tenant NULL: the only one that there is. */
bool dir_place_open(struct dir_place *p, const char *config,
                    const char *tenant);
/* Nobody else changes this tenant's directory until dir_place_close(). Waits a
 * few seconds for whoever does. */
bool dir_place_lock(struct dir_place *p);
void dir_place_close(struct dir_place *p);

/* run_dir of DIR/tipstaff.yaml with "/admin/admin.sock" behind it, or the
 * socket of an installed service. Lives in arena. */
bool dir_place_socket(const struct dir_place *p, struct ts_arena *arena,
                      const char **ret);

/*
 * Replaces a file of the tenant whole or not at all, in two steps, so that the
 * service can be asked in between: written and synchronised under another name
 * that nobody reads, then put in its place.
 */
bool dir_file_prepare(const struct dir_place *p, const char *name,
                      struct ts_bytes bytes);
bool dir_file_commit(const struct dir_place *p, const char *name);
void dir_file_abandon(const struct dir_place *p, const char *name);

enum dir_read {
    DIR_READ_NONE, /* no such file */
    DIR_READ_OK,
    DIR_READ_FAILED /* printed */
};
/* A regular file of at most max bytes. */
enum dir_read dir_file_read(const struct dir_place *p, const char *name,
                            size_t max, struct ts_arena *arena,
                            struct ts_bytes *ret);
/* What dir_file_prepare() left behind when it was interrupted. */
enum dir_read dir_file_read_prepared(const struct dir_place *p,
                                     const char *name, size_t max,
                                     struct ts_arena *arena,
                                     struct ts_bytes *ret);

#endif
