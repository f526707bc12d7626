#ifndef SIDECAR_LAUNCHER_TOOLS_IMAGE_H
#define SIDECAR_LAUNCHER_TOOLS_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/launcher/layers/filter.h"

/*
 * A program, pinned when the manifests are loaded: the descriptor that will be
 * executed, and what its inode looked like then. A file that was replaced,
 * rewritten, or touched since is refused until the manifests are loaded again.
 *
 * That rests on the time of the last change (ctime), which nobody can set: any
 * write(2) moves it, and so does the first write through a mapping. Two ways
 * around it are closed when a program is pinned: who has the file open for
 * writing then, and may have a page of it mapped that no further write would
 * be noticed of, makes it unusable (ETXTBSY, on kernels from 6.8 on); and a
 * file that was changed within one tick of the kernel's clock is looked at
 * again when the next change must differ. What a pin cannot see is a change
 * between the check and the exec of the same launch, by the file's owner, in
 * place; the next launch sees it.
 *
 * For a script the interpreter is the program: the kernel would open it by
 * name, and would need the script's descriptor to stay open in the tool. So
 * the first line is read here, the interpreter is pinned, and the script is
 * passed to it by path; since the Landlock rule is made from the script's
 * pinned inode, another file at that path cannot be read.
 */
struct image_pin {
    int fd; /* O_PATH, owned; -1 if none */
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
    uint8_t digest[32]; /* BLAKE2b-256 of the content */
};

struct image {
    struct image_pin file;   /* what the manifest names */
    struct image_pin interp; /* of a script, else fd -1 */
    int loader_fd;           /* O_PATH of the ELF interpreter, -1 if static */
    const char *loader_path; /* in the arena; NULL if static */
    const char *interp_path; /* in the arena; NULL if no script */
    const char *interp_arg;  /* in the arena; NULL if none */
};

/* given: O_PATH of the program, borrowed, if it is not to be opened by its
 * name; else -1. On failure *reterr_text (in the arena or static) says what to
 * do. No part of a path may lead through a process (/proc/PID/fd, root, cwd).
 */
TS_NODISCARD ts_err image_open(struct ts_str path, int given,
                               const struct filter_key *key,
                               struct ts_arena *arena, struct image *ret,
                               const char **reterr_text);
/* O_PATH of what a manifest names, or a negative errno: links are followed,
 * but for those of /proc that lead to what a process has open. */
long image_open_path(const struct filter_key *key, const char *path, int flags);
void image_done(struct image *i);
/* TS_E_STATE: not the bytes that were pinned. */
TS_NODISCARD ts_err image_check(const struct image *i);

#endif
