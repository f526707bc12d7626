#ifndef SIDECAR_GATE_PROVENANCE_TASK_H
#define SIDECAR_GATE_PROVENANCE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/gate/provenance/endorsed.h"
#include "sidecar/gate/provenance/forms.h"
#include "sidecar/gate/provenance/given.h"
#include "sidecar/gate/provenance/index.h"
#include "sidecar/gate/provenance/source.h"

/*
 * What one task has seen, a task being all that runs under one grant of a
 * tenant: the user's own words, who the user is, and every output that an agent
 * of it was given, each leaf with its label (provenance design, the mechanism).
 * Answers where a value comes from, and what the task as a whole has touched.
 *
 * Nothing here makes a value better than it is: what does not fit is lost, and
 * then what is found nowhere counts as untrusted, since it may have stood
 * there. Taint and level only rise.
 */

/* What a manifest says of a tool's output; patterns as leaf_pattern_covers().
 * Borrowed during a call. */
struct prov_patterns {
    const struct ts_str *list;
    uint32_t count;
};
struct prov_output_rules {
    bool is_json;                   /* otherwise one text */
    bool is_trusted;                /* what no pattern names */
    struct prov_patterns untrusted; /* these are, whatever else is said */
    struct prov_patterns trusted;
    struct prov_patterns ids;
    struct prov_patterns secret;
    /* Untrusted leaves that count as trusted while they have that form. */
    struct prov_patterns selectors[PROV_FORMS];
    /* Leaves that are the tool's own word even where it was asked for just
     * that: it looked them up. */
    struct prov_patterns vouches;
    enum prov_confidentiality level;
};
/* Strangers may have written some of it. */
bool prov_rules_may_be_untrusted(const struct prov_output_rules *r);

/* ---- all tasks ----------------------------------------------------------- */

#define PROV_TASKS_MAX   4096u        /* that are remembered */
#define PROV_STORE_BYTES (64u << 20)  /* of all tasks together */
#define PROV_KEPT_OUTPUT (256u << 10) /* bytes of an output, for handles */
#define PROV_KEPT_TASK   (1u << 20)   /* of all kept ones of a task */
#define PROV_OUTPUT_MAX  (512u << 10) /* bytes of an output that is indexed */
#define PROV_PROMPT_MAX  (16u << 10)
#define PROV_NOT_KEPT    "that output is no longer kept"

struct prov_tasks;
struct prov_task;

TS_NODISCARD ts_err prov_tasks_new(size_t max_bytes, struct prov_tasks **ret);
void prov_tasks_free(struct prov_tasks *t); /* NULL is fine; no task is held */
size_t prov_tasks_bytes(const struct prov_tasks *t);

struct prov_grant {
    struct ts_str tenant;
    const uint8_t *grant_id;      /* 16 bytes */
    uint64_t issued_s, expires_s; /* of its root */
};
/*
 * The task of a grant, made if new, held until prov_task_close(). It is
 * remembered until the grant expires. A grant older than started_s (when this
 * memory began), or one whose task had to make room, has seen nobody knows
 * what: its task is lost from the start. Over PROV_STORE_BYTES the least
 * recently used one drops what it holds and is lost from then on.
 * TS_E_LIMIT: PROV_TASKS_MAX tasks are held.
 */
TS_NODISCARD ts_err prov_tasks_open(struct prov_tasks *t,
                                    const struct prov_grant *g, uint64_t now_s,
                                    uint64_t started_s, struct prov_task **ret);
void prov_task_hold(struct prov_task *k);
void prov_task_close(struct prov_task *k); /* NULL is fine */

/* ---- what it sees -------------------------------------------------------- */

/* The user's own words, or what the directory says of the user. The same text
 * again is nothing new. TS_E_LIMIT, TS_E_NOMEM, TS_E_FORMAT: it is not there.
 */
TS_NODISCARD ts_err prov_task_prompt(struct prov_task *k, struct ts_str text);
TS_NODISCARD ts_err prov_task_identity(struct prov_task *k, struct ts_str text);

/* The number of a call that begins: outputs are named "call-N". */
uint32_t prov_task_began(struct prov_task *k);
/*
 * What a call that has begun was given: walk calls sink for each value of its
 * arguments, twice and in the same order. The name of all of that, for its
 * output: what a tool repeats of its arguments is no better for it, and comes
 * from where they come from. PROV_SAID_LOST: it could not be remembered, and
 * then all that the tool prints is untrusted. 0: nothing was said.
 */
#define PROV_SAID_BYTES (1u << 20) /* of one task, with its index */
#define PROV_SAID_LOST  UINT32_MAX
struct prov_saying {
    void *ctx;
    ts_err (*walk)(void *ctx, ts_err (*sink)(void *to, struct ts_str text),
                   void *to);
};
TS_NODISCARD uint32_t prov_task_says(struct prov_task *k,
                                     const struct prov_saying *s);
/* Is there anything in such an output that could be better than an argument? */
bool prov_rules_heed_arguments(const struct prov_output_rules *r);

/* An agent is about to be given the first byte of an output: taint and level
 * rise by the worst that it may hold, and until prov_task_output() has all of
 * it what is found nowhere may stand there. Once for each output. */
void prov_task_shows(struct prov_task *k, const struct prov_output_rules *r);
/* The same of a call that was given values by handles: it may print them, so
 * that the agent has them from now on as if their outputs had been shown. */
void prov_task_reveals(struct prov_task *k, const struct prov_given *g);

struct prov_output { /* what an agent was given, without secrets of the tool */
    uint32_t call;   /* from prov_task_began() */
    struct ts_str tool;
    const struct prov_output_rules *rules;
    struct ts_str bytes;  /* standard output */
    struct ts_str errors; /* standard error */
    uint32_t said;        /* from prov_task_says(); 0: it does not matter */
    const struct prov_given *given; /* by handles; NULL: nothing */
    bool is_whole; /* no byte of it is missing here or was cut off there */
    bool is_lost;  /* it was too much to keep: there are no bytes here */
    bool failed;   /* killed, refused or not status 0: all of it untrusted */
    /* No agent was given any of it: it is there for handles alone, the task has
     * not seen it, and no value is matched with it. */
    bool is_withheld;
    bool is_sealed; /* withheld, and not because the agent wished it */
};
/* Indexes it. What cannot be is lost, which is no error: how it went. */
enum prov_output_how {
    PROV_OUTPUT_LEAVES = 0, /* JSON, each leaf with its label */
    PROV_OUTPUT_TEXT,       /* one text */
    PROV_OUTPUT_UNREADABLE, /* not the JSON it should be: one untrusted text */
    PROV_OUTPUT_LOST,       /* too large */
    PROV_OUTPUT_KEPT,       /* withheld: handles name its values ... */
    PROV_OUTPUT_KEPT_TEXT   /* ... or all of it, as one text, at "" */
};
enum prov_output_how prov_task_output(struct prov_task *k,
                                      const struct prov_output *o);

/* ---- what it says -------------------------------------------------------- */

struct prov_taint {
    bool untrusted;                  /* something untrusted was seen */
    enum prov_confidentiality level; /* the highest that was seen */
    bool lost; /* it has seen what it does not know any more */
};
struct prov_taint prov_task_taint(const struct prov_task *k);
bool prov_task_has_prompt(const struct prov_task *k);
/* Who began it. Of two statements that differ nobody knows which is true:
 * unknown from then on. */
void prov_task_began_by(struct prov_task *k, enum prov_origin o);
enum prov_origin prov_task_origin(const struct prov_task *k);

struct prov_seen {
    enum prov_source source;
    enum prov_confidentiality level; /* of places with that source */
    uint32_t count;
    /* "prompt", "user", or "tool:/pattern" with indices and keys that are data
     * as "*". Valid until the task changes. */
    struct ts_str places[PROV_FOUND_PLACES];
    bool more;
};
/* One call begins to ask: its look-ups together cost at most PROV_CALL_WORK, so
 * that no call with thousands of values holds up the others. */
void prov_task_asks(struct prov_task *k);
void prov_task_find(struct prov_task *k, enum prov_kind kind,
                    struct ts_str value, struct prov_seen *ret);
/* Does a text carry a secret that the task has seen (a secret leaf, or a card
 * number or one-time code of any output) and that the user did not say? True
 * when it cannot tell. */
bool prov_task_secrets_in(struct prov_task *k, struct ts_str text);

/* ---- what people let through --------------------------------------------- */

/*
 * A value that a person has let through keeps its source; prov_task_endorsed()
 * says which call that was, and for whose policies; zero: none. In two steps,
 * since a call may be approved and then not run: its name when it is decided,
 * the entry when it was started. epoch stands for the rules and people that the
 * approval was judged by: under another one all of it is gone. So it is when
 * the task drops what it holds, or with prov_tasks_unendorse(); names from
 * before then enter nothing. To name one moves nothing that the task has told
 * of before.
 */
TS_NODISCARD ts_err prov_task_endorse_name(struct prov_task *k, uint64_t epoch,
                                           const struct endorsed_use *u,
                                           struct endorsed_id *ret,
                                           uint64_t *ret_serial);
/* True: it was entered, and was not there before. */
bool prov_task_endorse(struct prov_task *k, const struct endorsed_id *id,
                       uint64_t serial, const struct endorsed_by *by);
bool prov_task_endorses(const struct prov_task *k); /* is there a table? */
void prov_task_endorse_under(struct prov_task *k, uint64_t epoch);
struct endorsed_by prov_task_endorsed(struct prov_task *k,
                                      const struct endorsed_use *u);
/* Of all tasks of a tenant; how many entries that were. */
uint32_t prov_tasks_unendorse(struct prov_tasks *t, struct ts_str tenant);

/* ---- handles ------------------------------------------------------------- */

struct prov_handle {
    struct ts_str json;    /* one value, as it stands there; until k changes */
    struct prov_seen seen; /* of a list or object: the worst of its leaves */
    bool is_sealed;        /* of an output that was kept back, by rule */
};
/* TS_E_NOT_FOUND: no call of that number has a JSON output; TS_E_STATE: it is
 * no longer kept; TS_E_INVALID: no value is at that pointer; TS_E_EXISTS: an
 * object on the way has its key twice. */
TS_NODISCARD ts_err prov_task_handle(struct prov_task *k, uint32_t call,
                                     struct ts_str pointer,
                                     struct prov_handle *ret);
/* "call-3": false if it is no such name. */
bool prov_call_parse(struct ts_str name, uint32_t *ret);

#endif
