#ifndef CLI_REPLAY_SESSION_H
#define CLI_REPLAY_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/replay/gate.h"
#include "cli/replay/shape.h"
#include "proto/base/ts_str.h"
#include "shim/tipstaff.h"

/* One task's session with the gate, through the shim's own library. All print
 * why they fail. */
struct replay_session {
    struct replay_gate *gate; /* borrowed */
    const struct replay_keys *keys;
    const struct shape *shape;
    struct tipstaff *t;  /* owned */
    uint8_t *args;       /* owned: the arguments of one call */
    bool people_say_yes; /* to every question; otherwise nobody answers */
};

struct replay_answer {
    enum tipstaff_verdict verdict;
    char code[TIPSTAFF_CODE_MAX];
    char policies[256]; /* that determined it, "" if it is not known */
    uint64_t us;        /* of the decision; 0 if it is not known */
    bool has_run;
};

struct replay_task {
    const char *name;
    struct ts_str policy; /* Cedar text of the root's block */
    const char *prompt;   /* the user's words; NULL: nobody says */
};
bool replay_session_open(struct replay_session *s, struct replay_gate *g,
                         const struct replay_keys *k, const struct shape *shape,
                         const struct replay_task *task);
void replay_session_close(struct replay_session *s);

/* Makes the call to its end; what it prints was given to the gate. The answer
 * is the first: a call that people let through is PENDING, and has_run. */
bool replay_session_call(struct replay_session *s, const char *tool,
                         json_t *args, struct replay_answer *ret);
/* Asks about calls of one tool without making them: list holds their arguments,
 * REPLAY_CHECKS_MAX at most. *ret_at: the first that would be allowed;
 * json_array_size(list): none. */
#define REPLAY_CHECKS_MAX 400
bool replay_session_check(struct replay_session *s, const char *tool,
                          json_t *list, size_t *ret_at);
/* args as the msgpack map that a call carries: numbers with a fraction as
 * texts where the manifest says decimal, what is null left out. False: it does
 * not fit. */
#define REPLAY_ARGS_MAX ((size_t)262144)
bool replay_args(const struct shape_tool *tool, json_t *args, uint8_t *out,
                 size_t cap, size_t *ret_len);

#endif
