#ifndef CLI_REPLAY_TRACES_H
#define CLI_REPLAY_TRACES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A directory of recorded calls. Which file is what is told by the end of its
 * name, before ".jsonl" or ".jsonl.xz":
 *
 *   *_tools                what tools there are, their arguments and effects
 *   *_user_tasks           tasks of users with the calls that solve them
 *   *_attack_pairs         the same with the calls of an attack among them
 *   *_recorded_runs        what models did, with and without attacks
 *   *_delegations          what each task may do
 *   *_reference_decisions  what another mediator said
 *   *_labels.json          user_identities: names and addresses of the user
 *
 * Tools and tasks must be there, the others may be missing. Records of one
 * "suite" share tools; what it is called means nothing here.
 */
#define TRACES_RECORDS_MAX ((size_t)1 << 20)

enum traces_label { /* which of a record's labels count */
    TRACES_F,       /* untrusted_F */
    TRACES_S, /* the same, but short plain words of a list are selectors */
    TRACES_C  /* untrusted_C */
};
const char *traces_label_name(enum traces_label l);

enum traces_kind {
    TRACES_TASK,
    TRACES_PAIR,
    TRACES_RUN
};

const char *traces_kind_name(enum traces_kind k); /* task, pair, run */

struct traces_record {
    enum traces_kind kind;
    json_t *json;             /* borrowed from all */
    const char *suite, *task; /* of the user's task */
    const char *id;           /* task_id: of a pair both */
    json_t *calls;
    bool is_attack;
};

struct traces {
    json_t *tools, *delegations; /* owned arrays */
    json_t *reference;           /* owned: "labels|policy|suite|id": text */
    json_t *identities;          /* owned array of texts */
    json_t *all;                 /* owned array: what records borrow */
    /* Owned: places of tasks and pairs among the records, of delegations in
     * theirs, and names of tools, by "kind|suite|id|.."; keys that were
     * complained about. */
    json_t *index;
    json_t *outputs; /* owned: what is said of outputs beside it (outputs.h);
                        NULL: nothing */
    struct traces_record *records;
    size_t count, cap;
};

/* dir as the user gave it. False: said why. */
bool traces_load(const char *dir, struct traces *ret);
void traces_done(struct traces *t);

/* The task of a pair or run; NULL if it is not among the tasks. */
const struct traces_record *traces_task(const struct traces *t,
                                        const char *suite, const char *task);
/* The attack of this task with this injection; NULL: none. */
const struct traces_record *traces_pair(const struct traces *t,
                                        const char *suite, const char *task,
                                        const char *injection);
/* NULL: none for this task. */
json_t *traces_delegation(const struct traces *t, const char *suite,
                          const char *task, enum traces_label l);
/* NULL: none. */
const char *traces_reference(const struct traces *t, const char *policy,
                             enum traces_label l,
                             const struct traces_record *r);

#endif
