#ifndef SIDECAR_LAUNCHER_TOOLS_TOOLS_HOST_H
#define SIDECAR_LAUNCHER_TOOLS_TOOLS_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "sidecar/common/manifest/manifest.h"
#include "sidecar/launcher/tools/image.h"
#include "sidecar/launcher/tools/level.h"

struct tool_host; /* tools.h */

/*
 * What only the host can say against a manifest whose program was opened: the
 * program is one that anybody may write to or replace, or not the one that
 * `digest:` names; no box of the level that it needs is given here. False: it
 * is served; else text is "FILE:LINE: what; what to do".
 */
bool tool_host_refuses(const struct manifest *m, const struct image *i,
                       const struct tool_host *host, char *text, size_t cap);

/* Whether there is a box of the level and with the layers that it demands; if
 * not, *reterr_missing is the first layer_bit that is missing. */
bool tool_host_gives(const struct manifest *m, const struct level_offer *offer,
                     enum box_level most, uint32_t *reterr_missing);

#endif
