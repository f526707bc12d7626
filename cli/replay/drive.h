#ifndef CLI_REPLAY_DRIVE_H
#define CLI_REPLAY_DRIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/replay/plan.h"
#include "cli/replay/session.h"

/* One call of a record, as the gate decided it. */
struct drive_call {
    char verdict;     /* A allowed, P people are asked, D denied */
    bool is_effect;   /* not a read */
    bool is_attack;   /* of the attacker */
    bool has_run;     /* perhaps after people said yes */
    uint32_t us;      /* of the decision; 0 if it is not known */
    const char *code; /* interned: see drive_code() */
};

/* Every call of a record that names a tool, in its order. */
#define DRIVE_CALLS_MAX 256
struct drive_result {
    struct drive_call calls[DRIVE_CALLS_MAX];
    uint32_t count;
    bool is_long;                       /* there were more calls than that */
    char policies[DRIVE_CALLS_MAX][64]; /* what determined it, shortened */
};

struct drive {
    struct plan plan;
    struct replay_gate *gate;
    const struct replay_keys *keys;
    bool people_say_yes;
};

/* One session. False: the gate cannot go on; said why. */
bool drive_record(const struct drive *d, const struct traces_record *r,
                  struct drive_result *ret);
/* "AADP", NUL-terminated. */
void drive_string(const struct drive_result *r, char out[DRIVE_CALLS_MAX + 1]);

/* Whether a call of a recorded run is the attacker's: it has an effect, and one
 * of its arguments holds a value of authority of the attack that the user's
 * prompt does not hold. The attack is told by the pairs with the same
 * injection. */
bool drive_is_attack(const struct traces *t, const struct traces_record *r,
                     json_t *call);

#endif
