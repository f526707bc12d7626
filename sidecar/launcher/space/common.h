#ifndef SIDECAR_LAUNCHER_SPACE_COMMON_H
#define SIDECAR_LAUNCHER_SPACE_COMMON_H

#include "sidecar/launcher/space/mounts.h"
#include "sidecar/launcher/space/space.h"

/*
 * What all templates of a generation share: one tmpfs with /etc and /dev. It
 * is mounted over /dev of the helper's namespace, from which nothing else may
 * be taken; each template gets two private, read-only copies of its mounts.
 */
#define COMMON_AT      "/dev"
#define COMMON_ETC     "/dev/etc"
#define COMMON_DEVICES "/dev/dev"

/* In the helper, in its base namespace. */
long common_make(struct mounter *m, const struct space_builder *b);

/* etc.c: fills an /etc. Missing sources are left out. */
long etc_fill(struct mounter *m, int etc, const struct space_builder *b);

#endif
