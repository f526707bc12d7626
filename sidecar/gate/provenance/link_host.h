#ifndef SIDECAR_GATE_PROVENANCE_LINK_HOST_H
#define SIDECAR_GATE_PROVENANCE_LINK_HOST_H

#include <stdbool.h>

#include "proto/base/ts_str.h"

/*
 * Whom a link leads to: what stands behind its scheme and slashes, and behind
 * the last "@" of that part, up to "/", "\", "?" or "#", without a port;
 * "%65" is the byte that it stands for.
 */
#define LINK_HOST_MAX 255
struct link_host {
    char text[LINK_HOST_MAX];
    size_t len;
};
/* False: it has none with a dot or a character beyond ASCII, or a longer one.
 */
bool link_host_of(struct ts_str link, struct link_host *ret);

/*
 * The hosts that a host is a part of, the longest first: h loses its first part
 * at each call. False when nothing would be left that somebody owns: fewer than
 * two parts, or two short ones ("co.uk").
 */
bool link_host_up(struct ts_str *h);

#endif
