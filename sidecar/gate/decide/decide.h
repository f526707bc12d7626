#ifndef SIDECAR_GATE_DECIDE_DECIDE_H
#define SIDECAR_GATE_DECIDE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/cedar.h"
#include "policy/cedar_schema.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/code.h"
#include "proto/msg/order.h"
#include "proto/trust/approval_ticket.h"
#include "proto/trust/delegation.h"
#include "proto/wire/limits.h"
#include "sidecar/common/clock.h"
#include "sidecar/gate/people/box_demand.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/provenance/endorsed.h"
#include "sidecar/gate/uses/reservation.h"

/*
 * One decision: a function of (snapshot, session, call, meters, time). No
 * sockets, no libuv. Zero heap allocations: everything temporary lives in the
 * arena of the call (use one arena for all calls, ts_arena_reset() between
 * them). Any error on the way is a denial with its own code and a record;
 * decide_call() itself fails only when not even a record could be made (then
 * the connection must be closed).
 */

/* What authority_make() prepared once, so that no call does it again. */
struct authority_parts;
struct meters; /* meters.h */
/* A verified chain, its blocks parsed: what every session on it shares, by
 * reference count; see chain_cache.h. */
struct verified;

/* What the handshake established; built once per session by session.c. */
struct authority {
    struct verified *verified; /* one reference is ours; holds what follows */
    const struct delegation *delegation;
    struct ts_str tenant;
    struct cedar_policies *const *block_policies;  /* parsed once */
    const struct box_demand *const *block_demands; /* beside them */
    const struct use_rules *const *block_uses;     /* the same */
    uint32_t block_count; /* all of the delegation's, or nothing is decided */
    bool recorded;        /* of a record, for asking again: it has no blocks */
    uint8_t session_id[16];
    uint32_t peer_uid, peer_gid;
    uint32_t peer_pid;       /* 0 across PID namespaces */
    uint64_t peer_pidfs_ino; /* 0 when the kernel has no SO_PEERPIDFD */
    const struct authority_parts *parts; /* private to decide*.c */
};

/* Verifies the chain; its blocks are not read yet, and nothing may be decided
 * before authority_blocks(). On failure the handshake is refused: TS_E_AUTH
 * with *reterr_code, or TS_E_NOMEM/TS_E_LIMIT with TRUST_E_INTERNAL. The caller
 * fills session_id and peer_*. cfg is not kept. */
TS_NODISCARD ts_err authority_make(const uint8_t *chain, size_t chain_len,
                                   const struct trust_config *cfg,
                                   uint64_t now_s, struct authority **ret,
                                   enum trust_code *reterr_code);
/* Parses the policy text of every block with cedar_options_block and validates
 * it against the tenant's schema; text that is not Cedar, holds a template or
 * is not strictly valid is TS_E_AUTH with TRUST_E_POLICY. Milliseconds of work
 * for a hostile block: only for a peer that has proved that it holds the last
 * key. */
TS_NODISCARD ts_err authority_blocks(struct authority *a,
                                     const struct cedar_schema *schema,
                                     enum trust_code *reterr_code);
/* An authority from what a record says of one, for asking again (replay.h):
 * nothing is verified and there are no blocks. d is borrowed. */
TS_NODISCARD ts_err authority_recorded(const struct delegation *d,
                                       const struct trust_config *cfg,
                                       struct authority **ret);
/* Another session on a chain that was verified before, under the very snapshot
 * of that time; the caller asks delegation_check_now(). v gets one user more.
 */
TS_NODISCARD ts_err authority_again(struct verified *v, struct authority **ret);
void authority_free(struct authority *a);
void verified_hold(struct verified *v);
void verified_release(struct verified *v); /* NULL is fine */

/* An escalation that is in force for the very call (docs/APPROVALS.md): what it
 * permits beside the tenant's policies, to the user and to every agent, and
 * which forbids with @breakglass it lifts. Blocks stay as they are. Borrowed.
 */
struct decide_escalation {
    const uint8_t *id;                     /* 16 bytes */
    const struct cedar_policies *policies; /* permits; NULL: none */
    const struct box_demand *demands;      /* of the policies */
    const struct ts_str *lifts;            /* @ids */
    uint32_t lift_count;
    uint64_t until_ns; /* boot time */
};

struct prov_task;   /* what the task has seen; provenance/task.h */
struct call_handle; /* call_provenance.h, and the next two */
struct call_provenance;
struct provenance_input;
struct use_rules; /* use_rule.h */

struct call_input {
    uint64_t seq;
    uint8_t call_id[16];
    struct ts_str tool;
    struct ts_bytes args;
    uint64_t deadline_ms;
    struct ts_str traceparent;
    const struct ts_str *provenance;
    uint32_t provenance_count;
    struct prov_task *task;            /* NULL: nothing is known of it */
    const struct call_handle *handles; /* that args were made with */
    uint32_t handle_count;
    bool has_stdin;
    bool check_only; /* CHECK: decides and records, launches nothing */
    /* Where values came from, by a record; NULL: by the task. */
    const struct recorded_provenance *recorded;
    bool is_recorded;        /* args are those of a record: asked about again */
    bool signature_verified; /* the call's own signature verified; a tenant
                                with require_call_signature denies without */
    uint64_t rev_seq;
    struct moment now;
    uint64_t received_ns; /* boot_ns when the frame was complete, for "us" */
    bool is_counted; /* it was decided before, waited for people since, and is
                        in the meters */
    /* Set by the caller when a check before policy failed (revoked, expired,
     * too_many_calls, duplicate_call, shutting_down ...): no policy runs, the
     * call is denied with this code and recorded. CODE_PERMITTED = none. */
    enum call_code already_denied;
    const char *denied_why; /* a sentence for that, or NULL */
};

/* A value that a yes lets through for the rest of the task, as people were told
 * of it; what they were not told of is not. */
#define ENDORSE_TOLD_MAX 16 /* of one question */
struct endorse_told {
    struct ts_str arg; /* its name; of JSON with the pointer behind it */
    struct ts_str value;
};

/*
 * A call that only people can still let through, as it is put to them
 * (docs/APPROVALS.md); everything is borrowed. A rule stands for one policy,
 * however many principals it was asked for.
 */
struct people_question {
    const struct authority *authority;
    const struct snapshot_tenant *tenant;
    const struct call_input *call;
    uint8_t decision_id[16]; /* of this decision */
    const struct manifest *manifest;
    struct ts_str action;   /* Action::"..." without the type */
    struct ts_str resource; /* Type::"id" */
    struct ticket_rule rules[TICKET_RULES_MAX];
    struct ts_str reasons[TICKET_RULES_MAX]; /* @reason of each; "" for none */
    uint32_t rule_count;
    /* Every one of the rules has @endorse: for whose policies a yes lets values
     * through, as ENDORSED_TENANT; 0: not every one has. */
    uint32_t endorses;
    uint32_t sensitivity;
    bool tainted;
    const struct cedar_uid *target; /* resource, as it was decided on */
    /* Where its values come from, and how to go through them once more. */
    const struct call_provenance *provenance;
    const struct provenance_input *values;
    uint64_t calls_1m, calls_1h; /* of the task, before this one */
    struct ts_arena *arena;      /* of this decision */
};
enum people_say {
    PEOPLE_REFUSED = 0, /* they cannot be asked, or one has said no: code */
    PEOPLE_WAIT,        /* they were asked, now or before */
    PEOPLE_APPROVED     /* enough said yes: decide again with what they lift */
};
struct people_answer {
    enum people_say say;
    enum call_code code;     /* REFUSED */
    const char *why;         /* REFUSED: static, or NULL */
    uint8_t decision_id[16]; /* the rest: of the question */
    uint8_t ticket_id[TRUST_HASH_LEN];
    uint64_t expires; /* unix seconds */
    const struct ticket *ticket;
    const struct ts_str *people; /* who said yes so far */
    uint32_t people_count;
    /* APPROVED: what the question told people that a yes lets through. */
    const struct endorse_told *told;
    uint32_t told_count;
};
struct decide_people {
    void *ctx;
    void (*ask)(void *ctx, const struct people_question *q,
                struct people_answer *ret);
};

struct decision {
    enum verdict verdict;
    enum call_code code;
    uint8_t id[16]; /* random-looking, unique: boot id and a counter */
    char text[TS_MESSAGE_TEXT_MAX];  /* for the agent; no policy text */
    const struct manifest *manifest; /* of a permit */
    struct order order;   /* of a permit; order_id is the caller's to set before
                             the record is written, see decide_input.order_id;
                             its token lives in the arena of decide_call() */
    uint32_t sensitivity; /* of a permit: the resource's */
    /* Of a permit, in the arena of decide_call(). */
    struct cedar_uid target;
    struct ts_str action;
    struct call_args args;
    /* What args were made with: of the call_input that was decided. */
    const struct call_handle *handles;
    uint32_t handle_count;
    uint64_t wall_ms; /* effective: min(manifest, deadline, authority end) */
    bool deadline_is_expiry; /* wall_ms was cut by the delegation's end */
    /* of a permit: what it takes from the grant's counters, to be reserved
     * before it is launched */
    struct use_take takes[USE_TAKES_MAX];
    uint32_t take_count;
    /* of a call that people were asked about, whatever came of it: */
    bool has_ticket;
    uint8_t asked_id[16]; /* of PENDING what the agent is told instead of id */
    uint8_t ticket_id[TRUST_HASH_LEN];
    uint64_t expires; /* unix seconds; of PENDING */
    /* the verdict is what it is because of an escalation: */
    bool has_escalation;
    uint8_t escalation_id[16];
    /* of a permit that people approved: what is entered into its task once it
     * was started; see prov_task_endorse() */
    struct endorsed_id endorse[ENDORSE_TOLD_MAX];
    uint32_t endorse_count;
    uint32_t endorse_sets;
    uint64_t endorse_serial;
};

/*
 * Decides and writes the decision record (proto/msg/record.h) as msgpack into
 * record (cap bytes). order_id is used if the verdict is a permit that will be
 * launched. Meters are counted.
 */
struct decide_input {
    const struct snapshot *snapshot;
    const struct authority *authority;
    const struct call_input *call;
    struct meters *meters;
    const struct use_ledger *uses; /* of the grant; NULL: nothing is used */
    uint64_t order_id;
    uint64_t boot_id;
    /* What signs the identity token that a manifest asks for, and in whose
     * name; token_key NULL: such a tool is denied. */
    const struct trust_secret *token_key;
    struct ts_str sidecar_id;
    /* Who can be asked for an approval; NULL: nobody is, and a call that waits
     * for one stays pending. A check asks nobody. */
    const struct decide_people *people;
    /* NULL: none. Asked only where the call would not be permitted without. */
    const struct decide_escalation *escalation;
    /* Reads CLOCK_BOOTTIME for the record's "us" alone; NULL: call->now. */
    uint64_t (*boot_ns)(void);
};
TS_NODISCARD ts_err decide_call(const struct decide_input *in,
                                struct ts_arena *arena, uint8_t *record,
                                size_t cap, size_t *ret_record_len,
                                struct decision *ret);

/* The outcome record of a launched (or refused) call. */
struct outcome {
    uint8_t decision_id[16];
    struct ts_str tenant, user, agent, tool;
    enum end_reason reason;
    enum call_code code; /* CODE_PERMITTED, or why the launch was refused */
    struct ts_str text;  /* of a refusal: step and sentence; else "" */
    struct order_exited exited; /* zero when refused */
    struct order_started started;
    uint64_t stdout_bytes, stderr_bytes;
    bool stdout_truncated, stderr_truncated;
    uint64_t redacted; /* secrets that were taken out of its output */
    bool withheld;     /* the agent was not given it */
    uint32_t endorsed; /* values that it let through in its task */
};
TS_NODISCARD ts_err outcome_record(const struct outcome *o, uint8_t *record,
                                   size_t cap, size_t *ret_len);

/* deny > pending > permit over all sets; see docs/POLICY.md. Pure. */
struct set_result {
    const char *set_name; /* "user", "agent:0".., "block:0".. */
    const struct cedar_policies *policies;
    const struct box_demand *demands; /* of the policies; NULL: none */
    const struct use_rules *uses;     /* the same */
    struct cedar_answer answer;
    uint32_t more_permits; /* of an escalation; they count as the set's own */
};
struct combined {
    enum verdict verdict;
    enum call_code code;
};
struct combined combine(const struct set_result *sets, size_t count);
/* The box that all satisfied permits together demand. Pure. */
struct box_demand combine_demands(const struct set_result *sets, size_t count);

#endif
