#ifndef CLI_DIRECTORY_VIEW_H
#define CLI_DIRECTORY_VIEW_H

#include "cli/directory/installed.h"

/* What show and export look at: the installed snapshot of a tenant, or a file
 * alone. */
struct dir_view {
    const char *config, *tenant, *file; /* options; file NULL: the installed */
    struct ts_arena arena;
    struct dir_place place; /* fd -1 without --config */
    struct dir_trust trust;
    bool has_trust;
    struct dir_found found;
    uint64_t now;
};

/* Prints its error; dir_view_close() comes after either. */
bool dir_view_open(struct dir_view *v);
void dir_view_close(struct dir_view *v);

/* The heartbeat beside an installed snapshot. */
enum dir_beat {
    DIR_BEAT_NONE,
    DIR_BEAT_OK,
    DIR_BEAT_EXPIRED,
    DIR_BEAT_OTHER, /* of another snapshot */
    DIR_BEAT_BAD    /* not signed by a directory key */
};
enum dir_beat dir_view_heartbeat(struct dir_view *v, struct heartbeat *ret);

#endif
