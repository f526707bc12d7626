#ifndef SIDECAR_COMMON_BUNDLE_BUNDLE_H
#define SIDECAR_COMMON_BUNDLE_BUNDLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * All configuration files of one generation, read by the supervisor and handed
 * to processes that have no file system: a sealed memfd holding
 * [1, [[name str, content bin]...]], sorted by name. Names are relative to the
 * configuration directory, e.g.
 *
 *   sandbox/NAME.yaml                  a seccomp profile; the folder may be
 *                                      absent
 *   tools/fs-read.yaml
 *   tenants/acme/trust.yaml            issuers and their keys
 *   tenants/acme/directory.snapshot    users, agents: signed, binary
 *   tenants/acme/directory.heartbeat   that it is still the latest: the same
 *   tenants/acme/entities.json         labelled resources (Cedar entities)
 *   tenants/acme/schema.cedarschema    or schema.json
 *   tenants/acme/policies/hard/NAME.cedar
 *   tenants/acme/policies/approval/NAME.cedar
 *   tenants/acme/policies/links.json   fills the slots of templates
 *   tenants/acme/tenant.yaml           settings of the tenant
 *
 * Contents are not trusted to be well-formed; readers parse them strictly.
 */
#define BUNDLE_BYTES_MAX (64u << 20)
#define BUNDLE_FILES_MAX 4096
#define BUNDLE_NAME_MAX  255

/* Bytes of the two signed files; proto/trust/signed.h has the same limits. */
#define BUNDLE_SNAPSHOT_MAX  (4u << 20)
#define BUNDLE_HEARTBEAT_MAX 512u

struct bundle_file {
    struct ts_str name;
    struct ts_str content;
};

struct bundle { /* maps the memfd read-only; files borrow from the map */
    void *map;
    size_t map_len;
    struct bundle_file *files; /* owned */
    size_t count;
};

/* Takes nothing over: fd stays the caller's. Refuses an unsealed memfd. */
TS_NODISCARD ts_err bundle_open(int fd, struct bundle *ret);
void bundle_done(struct bundle *b);
/* The files whose name starts with prefix are consecutive: returns the first
 * and how many. */
const struct bundle_file *bundle_prefix(const struct bundle *b,
                                        const char *prefix, size_t *ret_count);
const struct bundle_file *bundle_find(const struct bundle *b, const char *name);

/*
 * NULL if a file of this name belongs into a configuration directory; else what
 * would, or what to do with it. name begins with "tools/", "sandbox/" or
 * "tenants/". A file
 * that is silently left out is a policy that is silently not in force, so a
 * name that fits nothing is an error.
 */
const char *bundle_misplaced(struct ts_str name);

/* Writes a sealed memfd. files must be sorted by name. */
TS_NODISCARD ts_err bundle_write(const struct bundle_file *files, size_t count,
                                 int *ret_fd);

/*
 * Supervisor and CLI: reads tools/, sandbox/ and tenants/ beneath config_dir
 * (regular files, no symlink leaving the directory, bounded) into a sealed
 * memfd. On failure reterr_text names the file and says what to do.
 */
TS_NODISCARD ts_err bundle_collect(int config_dir_fd, int *ret_fd,
                                   char *reterr_text, size_t reterr_cap);

struct bundle_read { /* one file, opened by the rules of bundle_collect() */
    struct ts_str content; /* in the arena */
    struct stat st;        /* as it was when it was opened */
};
/* path is relative to the configuration directory. TS_E_NOT_FOUND when there
 * is none, TS_E_STATE when it changed while it was read. */
TS_NODISCARD ts_err bundle_read_file(int config_dir_fd, const char *path,
                                     struct ts_arena *arena,
                                     struct bundle_read *ret, char *reterr_text,
                                     size_t reterr_cap);
/* Only looks: whether it is there, and its attributes. */
TS_NODISCARD ts_err bundle_look_file(int config_dir_fd, const char *path,
                                     struct stat *ret);
/* A directory beneath config_dir_fd, links followed as for files; the caller's
 * to close, -1 with errno on failure. */
int bundle_open_dir(int config_dir_fd, const char *path);

#endif
