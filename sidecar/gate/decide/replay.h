#ifndef SIDECAR_GATE_DECIDE_REPLAY_H
#define SIDECAR_GATE_DECIDE_REPLAY_H

#include "proto/wire/limits.h"
#include "sidecar/gate/decide/context.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/people/use_rule.h"

/*
 * What a configuration says to a call that was recorded: the same code that
 * decides, fed with the facts of the record (its time, its counters) instead of
 * the state of a running gate. The blocks of the delegation are not in a record
 * and are not asked; the caller knows what they answered then.
 */
struct replay_use { /* a counter of the tenant's, before the call */
    enum use_kind kind;
    struct ts_str name;
    uint64_t total;
};

struct replay_call { /* all borrowed */
    struct ts_str tenant, user, task, tool;
    struct ts_str agents[TS_BLOCKS_MAX]; /* root first, the caller last */
    uint32_t agent_count;
    struct delegation_attr attrs[TS_ATTRS_MAX];
    size_t attr_count;
    uint64_t issued, expires; /* unix seconds */
    struct ts_bytes args;     /* msgpack map, as in a record with log: full */
    const struct ts_str *provenance;
    uint32_t provenance_count;
    /* Where values came from; NULL: nothing is known of it. */
    const struct recorded_provenance *values;
    struct call_rates rates;
    struct replay_use uses[USE_COUNTERS_MAX];
    uint32_t use_count;
    /* What people had opened for the call, compiled for the tenant that is
     * asked; NULL: nothing. */
    const struct decide_escalation *escalation;
    uint64_t now_ms; /* unix */
    uint32_t uid, gid;
    bool has_stdin, check_only;
};

/* user and agents; the same again for an escalation */
#define REPLAY_SETS_MAX     (2 * (1 + TS_BLOCKS_MAX))
#define REPLAY_WHY_MAX      512
#define REPLAY_POLICIES_MAX 32

struct replay_answer {
    struct combined result;
    /* What the policies demand of the box of a permitted call; a record's may
     * hold more, the demands of the delegation's blocks. */
    struct box_demand box;
    /* Policies that determined it, "set/id", in the arena; at most
     * REPLAY_POLICIES_MAX. */
    const struct ts_str *policies;
    uint32_t policy_count;
    bool has_escalation;      /* the result is what it is because of it */
    char why[REPLAY_WHY_MAX]; /* of a denial before the policies, or "" */
};

/* One question that the answer was made of: a principal in a policy set. */
struct replay_question {
    const char *set_name; /* "user", "agent:0", "escalation:user", ... */
    const struct cedar_policies *policies; /* that were asked */
    struct cedar_request request;
};

/* What was asked, for explaining it; empty when no policy was asked. Borrows
 * from the snapshot and the arena. */
struct replay_questions {
    struct replay_question list[REPLAY_SETS_MAX];
    uint32_t count;
    const struct snapshot_tenant *tenant;
    struct authority *authority; /* owned */
};

/* Fails only for want of memory or when the call is malformed (TS_E_INVALID);
 * every other trouble is a denial, as in decide_call(). */
TS_NODISCARD ts_err replay_decide(const struct snapshot *s,
                                  const struct replay_call *c,
                                  struct ts_arena *arena,
                                  struct replay_answer *ret);
/* The same, and the questions; replay_done() ends them. */
TS_NODISCARD ts_err replay_ask(const struct snapshot *s,
                               const struct replay_call *c,
                               struct ts_arena *arena,
                               struct replay_answer *ret,
                               struct replay_questions *ret_questions);
void replay_done(struct replay_questions *q);

#endif
