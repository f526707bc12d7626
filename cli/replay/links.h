#ifndef CLI_REPLAY_LINKS_H
#define CLI_REPLAY_LINKS_H

#include <stdbool.h>

#include "proto/base/ts_str.h"

/* Links, addresses and accounts in a text, as the gate sees them. */
enum link_kind {
    LINK_URL = 1,
    LINK_EMAIL,
    LINK_ACCOUNT
};
/* False ends it. text borrows from the input. */
typedef bool (*link_found)(void *ctx, enum link_kind k, struct ts_str text);
void links_in(struct ts_str text, link_found found, void *ctx);

#endif
