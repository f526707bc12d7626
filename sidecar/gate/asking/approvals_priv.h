#ifndef SIDECAR_GATE_ASKING_APPROVALS_PRIV_H
#define SIDECAR_GATE_ASKING_APPROVALS_PRIV_H

#include "proto/base/ts_buf.h"
#include "sidecar/gate/asking/approvals.h"
#include "sidecar/gate/steps/call.h"

/* Inside of approvals*.c, breakglass*.c, held.c, admin_tickets.c, and of
 * revoke_signed.c for approvals_people(). */

/* What a ticket rests on, as long as it waits. */
struct ticket_keep {
    struct verified *verified; /* one reference */
    const struct delegation *delegation;
};

struct held { /* a call whose agent waits for people */
    struct held *next;
    struct call core;       /* WAITING; DONE: to be freed */
    struct client *client;  /* NULL once it has gone */
    struct pending *ticket; /* NULL once that has ended */
    uint64_t seq;
    uint64_t until_ns; /* boot time */
    size_t len;
    uint8_t body[]; /* of the CALL as it came */
};

struct firsts;
struct approvals {
    struct tickets *tickets;
    struct firsts *firsts; /* owned; what grants have done */
    struct held *held;     /* newest last */
    uint32_t held_count;
    size_t held_bytes;
    bool is_running;
};

/* Who may answer, from the directories in force. */
struct approval_people approvals_people(struct gate *g);

/* Nobody finds it any more; its record follows with approvals_run(). */
void approvals_void(struct gate *g, struct pending *p, enum ticket_end why);
void approvals_void_expired(struct gate *g); /* all whose time is up */
/* Who has said yes so far; borrowed from p. */
uint32_t approvals_names(const struct pending *p,
                         struct ts_str ret[TICKET_PEOPLE_MAX]);

/* What a person reads in capitals is a code in small letters to programs: at
 * most cap bytes, which is TS_CODE_MAX; how many. */
size_t approvals_small_letters(const char *name, char *ret, size_t cap);

/* The context of a question, for people. */
TS_NODISCARD ts_err approvals_context(struct gate *g,
                                      const struct people_question *q,
                                      const struct tickets_asked *before,
                                      struct ts_buf *out);

/* Every one that waits for p hears that it has ended; p is about to go. */
void held_ticket_ended(struct gate *g, const struct pending *p,
                       enum ticket_end why);
/* Those with a yes are decided again, those whose hold is over are told.
 * False: something waits for room in the ring. */
bool held_run(struct gate *g);

#endif
