#ifndef CLI_DRILL_DRILL_H
#define CLI_DRILL_DRILL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"
#include "proto/wire/limits.h"

/*
 * tipstaff drill: rehearsals on the running service. All functions that return
 * bool print their error themselves.
 */
#define DRILL_ROUNDS_MAX 10000
#define DRILL_GROUPS_MAX 64
#define DRILL_PATH_CAP   1024

/* What the operator gave; NULL and UINT64_MAX: from the configuration. */
struct drill_options {
    const char *config, *tenant, *issuer_key, *agent_key, *revoker_key;
    const char *user, *agent, *aud, *tool, *arg;
    const char *socket, *admin;
    uint64_t uid, gid, rounds, wait_s;
    bool json;
};

/* Everything that a round needs, found once. Texts in the arena. */
struct drill {
    const struct drill_options *opt;
    struct ts_arena *arena; /* borrowed */
    struct ts_str tenant, issuer, user, agent, aud;
    struct trust_secret issuer_key, agent_key, revoker_key; /* owned */
    const char *socket, *admin;
    uid_t uid; /* of the agent's process */
    gid_t gid;
    gid_t groups[DRILL_GROUPS_MAX]; /* that user's further ones */
    int group_count;
    bool drop;                /* to that uid: we are root */
    char dir[DRILL_PATH_CAP]; /* ours, removed at the end; "" */
};

/* drill_done() comes after either. */
bool drill_setup(const struct drill_options *o, struct ts_arena *arena,
                 struct drill *ret);
void drill_done(struct drill *d);

/* A grant of its own for one round: its files in d->dir, for a sub-agent with
 * a key of its own, so that the agent's key goes nowhere. */
bool drill_grant(const struct drill *d, uint8_t ret_grant[16]);
bool drill_path(const struct drill *d, const char *name,
                char out[DRILL_PATH_CAP]);

/* What the agent's process tells; one packet each. */
enum drill_note_kind {
    DRILL_NOTE_FAILED = 1, /* text: a sentence */
    DRILL_NOTE_STARTED,    /* the tool runs */
    DRILL_NOTE_ENDED,      /* RESULT; text: its reason */
    DRILL_NOTE_DENIED,     /* a call behind the ACK was denied; text: how */
    DRILL_NOTE_SHUT        /* the chain opens no session any more */
};
struct drill_note {
    enum drill_note_kind kind;
    uint64_t ns; /* admin_now_ns() when it happened, in either process */
    char text[512];
};

/* The agent's process: speaks over fd, and ends. One byte on fd says that the
 * revocation was acknowledged. */
_Noreturn void drill_agent(const struct drill *d, int fd);

/* One round's figures in nanoseconds from the sending of the revocation. */
struct drill_round {
    bool pass;
    uint64_t signalled, dead, denied, result;
    char why[640]; /* unless pass */
};
void drill_round(struct drill *d, struct drill_round *ret);

void drill_report_round(uint64_t number, const struct drill_round *r);
/* The verdict over all rounds; sorts them. True when all have passed. */
bool drill_report(const struct drill_options *o, struct drill_round *rounds,
                  size_t count);

int cmd_drill_revoke(int argc, char **argv);

#endif
