#ifndef CLI_APPROVAL_SOURCE_H
#define CLI_APPROVAL_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/admin_socket.h"
#include "cli/cmd.h"
#include "cli/opts.h"
#include "sidecar/question/view.h"

/* What every tipstaff approvals command is told, and the questions that the
 * service tells it. All functions print their errors. */
struct approval_source {
    const char *socket, *sidecar_key, *tenant; /* options */
    bool json, all;
    struct admin_socket s;
    uint8_t sidecar_pk[TRUST_PK_LEN];
    uint64_t refused; /* questions that were not shown, since they cannot be
                         believed */
};
/* The options of all, from --socket on. */
#define APPROVAL_SOURCE_OPTIONS(src)                                            \
    {"--sidecar-key",                                                           \
     "KEY",                                                                     \
     "the sidecar's public key, hex or a .pub file (TIPSTAFF_SIDECAR_KEY)",     \
     CLI_TEXT,                                                                  \
     &(src).sidecar_key,                                                        \
     false},                                                                    \
        {"--tenant", "ID", "only this tenant", CLI_TEXT, &(src).tenant, false}, \
    {                                                                           \
        "--socket", "PATH", "admin.sock (" ADMIN_SOCKET_DEFAULT ")", CLI_TEXT,  \
            &(src).socket, false                                                \
    }

/* Finds the sidecar's key, without which nothing is believed, and connects.
 * CLI_OK, or with what the command is to end. */
int approval_source_open(struct approval_source *src);
void approval_source_close(struct approval_source *src);

/* Asks for what waits; with watch for what comes, too. */
bool approval_source_ask(struct approval_source *src, bool watch);

enum approval_event {
    APPROVAL_EVENT_TICKET, /* view is set */
    APPROVAL_EVENT_LISTED, /* all that waited have been told */
    APPROVAL_EVENT_NEWS,   /* news is set */
    APPROVAL_EVENT_NONE,   /* nothing within the time */
    APPROVAL_EVENT_BROKEN  /* printed */
};
struct approval_told { /* borrows until the next */
    struct admin_ticket ticket;
    struct approval_view view;
    struct admin_ticket_news news;
};
/* A question that does not verify is told on standard error, counted in
 * refused, and passed over. */
enum approval_event approval_source_next(struct approval_source *src,
                                         uint64_t timeout_ms,
                                         struct approval_told *ret);

/* How a screen is to look on standard output now. */
struct approval_show approval_source_show(const struct approval_source *src);
/* Writes a question to standard output, as a screen or as a line of JSON. */
bool approval_source_print(const struct approval_source *src,
                           const struct approval_view *v, size_t *ret_cut);

/* What a person types for one question: its ticket id or its decision id, or
 * the first APPROVAL_PREFIX_MIN or more of the hex digits; spaces in it do not
 * matter. */
#define APPROVAL_PREFIX_MIN 8
struct approval_wanted {
    char hex[2 * TRUST_HASH_LEN + 1]; /* len digits, lower case */
    size_t len;
};
bool approval_wanted_parse(const char *typed, struct approval_wanted *ret);

/* The one question that is wanted; keep holds what ret borrows. False: there is
 * none, or more than one. */
bool approval_source_find(struct approval_source *src,
                          const struct approval_wanted *w,
                          struct approval_told *ret, struct ts_buf *keep);

#endif
