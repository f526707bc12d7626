#ifndef SIDECAR_GATE_DECIDE_DECIDE_PRIV_H
#define SIDECAR_GATE_DECIDE_DECIDE_PRIV_H

#include "proto/wire/mp_write.h"
#include "sidecar/gate/decide/context.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/decide/request.h"

/* user, agents, blocks; user and agents again for an escalation */
#define DECIDE_SETS_MAX   (2 + 3 * TS_BLOCKS_MAX)
#define DECIDE_LIFTED_MAX 32 /* told in a record */
/* Longer names of resources are refused: they are written into records. */
#define RESOURCE_NAME_MAX 4096 /* bytes */

/* Entities whose tags are counters: context.uses, context.sums. */
#define DECIDE_COUNTERS 2

/* One decision while it is made; the parts after a failed step stay empty. */
struct deciding {
    const struct decide_input *in;
    struct ts_arena *arena;
    const struct snapshot_tenant *tenant;
    const struct snapshot_tool *tool;
    struct call_args args;
    struct call_target target;
    struct call_rates rates;
    bool has_rates; /* they are given, not read from the meters */
    bool has_args, has_target, has_context, mismatch;
    bool is_unused; /* as if nothing had been counted yet */
    struct call_context context;
    struct cedar_overlay overlay[1 + TS_BLOCKS_MAX + DECIDE_COUNTERS];
    uint32_t overlay_count;
    struct set_result sets[DECIDE_SETS_MAX];
    uint32_t set_count;
    struct ts_str lifted[DECIDE_LIFTED_MAX]; /* by an escalation: @ids */
    uint32_t lifted_count;
    const struct ticket *approved; /* what people have lifted; NULL: nothing */
    const struct ts_str *people;   /* who said yes */
    uint32_t people_count;
    const struct endorse_told *told; /* of what people have approved */
    uint32_t told_count;
    const struct endorse_told
        *endorses[ENDORSE_TOLD_MAX]; /* those that count */
    uint32_t endorses_count;
    const char *why;   /* a sentence for this very denial, or NULL */
    char why_buf[512]; /* where why may point */
    struct decision *out;
};

/* The verdict on d->in, and d->sets with the answers it was made of. */
struct combined decide_judge(struct deciding *d);

/* code, with a sentence for this very denial or NULL; borrowed. */
enum call_code decide_deny(struct deciding *d, enum call_code code,
                           const char *why);

/* decide_permit.c. d->out and its order, from what was judged. */
void decide_fill_permit(struct deciding *d);
/* A tool that acts in somebody's name does not run without its token:
 * CODE_PERMITTED, or why it is no permit. */
enum call_code decide_make_token(struct deciding *d);

/* decide_uses.c. The counters of one set as entities, behind those of the
 * overlay; how many there are. */
TS_NODISCARD ts_err decide_uses_show(struct deciding *d,
                                     const struct use_rules *rules,
                                     uint32_t *ret_count);
/* A denial that would be none if nothing had been used yet. */
bool decide_is_used_up(const struct deciding *d);
/* What a permit takes; CODE_PERMITTED, or why it is none. */
enum call_code decide_uses_take(struct deciding *d);
bool decide_counts(const struct deciding *d);
/* The key "uses" and its value, of a decision that counts. */
void record_uses(struct mp_writer *w, const struct deciding *d, bool brief);
/* Every question of the decision; what it fills is d's. */
TS_NODISCARD ts_err decide_ask_all(struct deciding *d);

/* Asks one set of policies and appends its answer. */
struct decide_asked {
    const char *name;
    const struct cedar_policies *policies;
    const struct box_demand *demands;
    const struct cedar_uid *principal;
    enum hop hop;
};
TS_NODISCARD ts_err decide_ask_set(struct deciding *d,
                                   const struct decide_asked *q);

/* d->sets were combined to plain, which is no permit: what comes of it with the
 * escalation of d->in. */
struct combined decide_escalate(struct deciding *d, struct combined plain);

/* decide_endorse.c. Whose rules these are, as ENDORSED_TENANT. */
uint32_t endorse_sets_of(const struct ticket_rule *rules, uint32_t count);
/* A permit that people have approved: what of told it lets
 * through from then on, into d->out and d->endorses. TS_E_NOMEM, TS_E_LIMIT:
 * the arena. */
TS_NODISCARD ts_err decide_endorse(struct deciding *d);
/* The key "endorses" and its value, if there are any. */
void record_endorses(struct mp_writer *w, const struct deciding *d, bool brief);

/* A call that is pending is put to people; what comes of it instead. */
struct combined decide_ask(struct deciding *d);

/* Writes the record of d->out. brief leaves out what the caller made long. */
TS_NODISCARD ts_err decide_record_write(const struct deciding *d, bool brief,
                                        uint8_t *record, size_t cap,
                                        size_t *ret_len);

/* The key "provenance" of the record's context, and its value. */
void record_provenance(struct mp_writer *w, const struct deciding *d,
                       bool brief);

/* The text for the agent; its first line is stable, docs/POLICY-CONTEXT.md. */
void decide_text(const struct deciding *d, char *out, size_t cap);

#endif
