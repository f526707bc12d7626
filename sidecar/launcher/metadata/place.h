#ifndef SIDECAR_LAUNCHER_METADATA_PLACE_H
#define SIDECAR_LAUNCHER_METADATA_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sidecar/launcher/layers/filter.h"

/*
 * Whether a file lies where a tool may write. Asked of a descriptor, so the
 * answer is about the inode that is changed afterwards, whatever its names do
 * meanwhile.
 *
 * As Landlock does it: from the file upwards, folder by folder, until one of
 * the tool's roots is met. The first step is the difficult one, since a file
 * does not know its folder: the kernel's name for the descriptor says where to
 * look, and that folder must then have a name that is this very inode. So a
 * name that is out of date, or made to look like another, finds nothing. A file
 * that nobody has a name for (deleted, or never named) can be reached through
 * descriptors alone, and is whose it is.
 *
 * A tool cannot bring a stranger's inode to such a place: Landlock refuses to
 * link or move a file to where more may be done to it.
 */
struct place_root {
    int fd; /* held, so that the numbers stay this inode's */
    dev_t dev;
    ino_t ino;
};

/* 0: it does. EPERM: it does not, or nobody can tell (EROFS on a file system
 * that is read-only). proc_fds: "/proc/self/fd" as an O_PATH descriptor. */
int place_judge(int fd, int proc_fds, const struct place_root *roots,
                uint32_t count, const struct filter_key *key);

#endif
