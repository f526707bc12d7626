#ifndef CLI_DIRECTORY_SHOW_PRIV_H
#define CLI_DIRECTORY_SHOW_PRIV_H

#include "cli/directory/view.h"

/* A snapshot as it is shown, with what was found out about it. */
struct dir_shown {
    const struct dir_view *v;
    uint8_t content[TRUST_HASH_LEN];
    enum dir_beat beat;
    struct heartbeat heartbeat; /* unless the state is none or bad */
};

void dir_show_text(const struct dir_shown *s);
void dir_show_json(const struct dir_shown *s);

#endif
