#ifndef SIDECAR_LAUNCHER_SPACE_MOUNTS_H
#define SIDECAR_LAUNCHER_SPACE_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sidecar/launcher/layers/filter.h"

/*
 * The mount calls as the helpers use them: with the key, by descriptor, and
 * with a name for what failed. Results: >= 0, or a negative errno.
 */
struct mounter {
    const struct filter_key *key;
    const char *step; /* of the last failure; static text */
};

/* A path without a link in it, mount points allowed. dir may be AT_FDCWD. */
long mounts_open(struct mounter *m, int dir, const char *path, int flags);
/* A new tmpfs that is mounted nowhere yet; NULs end the strings. */
long mounts_tmpfs(struct mounter *m, const char *size, const char *inodes,
                  unsigned attributes);
/* A private copy of the tree at fd, submounts included, detached. attributes:
 * MOUNT_ATTR_* to set on all of it. */
long mounts_clone(struct mounter *m, int fd, unsigned attributes);
/* Puts a detached tree onto the place that fd is. */
long mounts_put(struct mounter *m, int tree, int place);
/* Sets attributes on the mount at path, or (tree) on all beneath it too. */
long mounts_set(struct mounter *m, const char *path, unsigned attributes,
                bool tree);
/* Nothing travels between this mount namespace and others. */
long mounts_private(struct mounter *m);
/* root (attached) becomes "/" and nothing else is left. */
long mounts_pivot(struct mounter *m, int root);

/* path beneath dir, with every folder on the way; what is there already stays,
 * a link on the way is an error. path has no leading slash. The last is a
 * folder or an empty file. */
long mounts_make(struct mounter *m, int dir, const char *path, bool is_dir);
long mounts_link(struct mounter *m, int dir, const char *path, const char *to);
long mounts_file(struct mounter *m, int dir, const char *name, const char *text,
                 size_t len);

#endif
