#ifndef CLI_REPLAY_DRIVE_H
#define CLI_REPLAY_DRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/replay/block_names.h"
#include "cli/replay/plan.h"
#include "cli/replay/session.h"

/* One call of a record, as the gate decided it. */
struct drive_call {
    char verdict;      /* A allowed, P people are asked, D denied */
    bool is_effect;    /* not a read */
    bool is_attack;    /* of the attacker */
    bool has_run;      /* perhaps after people said yes */
    bool has_failed;   /* in the record, too */
    uint32_t us;       /* of the decision; 0 if it is not known */
    uint32_t plain_us; /* of the same without provenance; 0: not asked */
    const char *code;  /* of static storage */
};

/* Every call of a record that names a tool, in its order. */
#define DRIVE_CALLS_MAX 256
struct drive_result {
    struct drive_call calls[DRIVE_CALLS_MAX];
    uint32_t count;
    bool is_long;    /* there were more calls than that */
    bool only_reads; /* the delegation did not fit into a block */
    char policies[DRIVE_CALLS_MAX][256]; /* "set/id set/id" determined it */
};

enum drive_people { /* who answers when people are asked */
    DRIVE_NOBODY,
    DRIVE_OF_TASK, /* yes to the task's own calls, no answer to an attacker's */
    DRIVE_ALL      /* yes to all */
};
struct drive {
    struct plan plan;
    struct replay_gate *gate;
    const struct replay_keys *keys;
    enum drive_people people;
    /* A second gate that knows nothing of provenance decides every call right
     * after the first; NULL: there is none. */
    const struct drive *plain;
};

/* One session. False: the gate cannot go on; said why. */
bool drive_record(const struct drive *d, const struct traces_record *r,
                  struct drive_result *ret);
/* An attack with its calls at every later place than the record has them:
 * after each further call of the user. *ret_silent: at one of them all its
 * effects were allowed; *ret_places: how many there are. */
bool drive_places(const struct drive *d, const struct traces_record *r,
                  struct drive_result *scratch, uint32_t *ret_places,
                  bool *ret_silent);
/* Its delegation, then a session. */
struct drive_opened {
    bool only_reads;          /* the delegation did not fit into a block */
    struct block_names names; /* of the block's policies */
};
bool drive_open(const struct drive *d, const struct traces_record *r,
                struct replay_session *s, struct drive_opened *ret);
/* What the gate's next tool prints: the output of a recorded call. */
bool drive_give_output(const struct drive *d, json_t *call);
/* "AADP", NUL-terminated. */
void drive_string(const struct drive_result *r, char out[DRIVE_CALLS_MAX + 1]);

/* Whether a call of a recorded run is the attacker's: it has an effect, and one
 * of its arguments holds a value of authority of the attack that the user's
 * prompt does not hold. The attack is told by the pairs with the same
 * injection. */
bool drive_is_attack(const struct traces *t, const struct traces_record *r,
                     json_t *call);

#endif
