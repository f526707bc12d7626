#ifndef SIDECAR_LAUNCHER_IMAGE_H
#define SIDECAR_LAUNCHER_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * A program, pinned when the manifests are loaded: the descriptor that will be
 * executed, and what its inode looked like then. A file that was replaced,
 * rewritten, or touched since is refused until the manifests are loaded again.
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

/* On failure *reterr_text (in the arena or static) says what to do. */
TS_NODISCARD ts_err image_open(struct ts_str path, struct ts_arena *arena,
                               struct image *ret, const char **reterr_text);
void image_done(struct image *i);
/* TS_E_STATE: not the bytes that were pinned. */
TS_NODISCARD ts_err image_check(const struct image *i);

#endif
