#ifndef SIDECAR_GATE_DECIDE_CALL_PROVENANCE_H
#define SIDECAR_GATE_DECIDE_CALL_PROVENANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/cedar.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/gate/provenance/task.h"

/*
 * Where every value of one call comes from (docs/PROVENANCE.md), as policies
 * see it in context.provenance. Authority is every argument that the manifest
 * does not call content; links, addresses and accounts inside content are
 * judged one by one.
 *
 * A Bool, and a value that the manifest lists (`one_of`), come from nowhere:
 * they choose among what the tool offers, and policies see which. So does an
 * empty text.
 */
struct provenance_class { /* is there a value of that source? */
    bool pinned;          /* the user's own words, or who the user is */
    bool trusted, untrusted, unknown;
};

/* Is there a value of authority, or a link, of that source which no person has
 * let through (docs/PROVENANCE.md, "Endorsed by a person")? A link inside a
 * value that somebody has let through as a whole is let through with it. */
struct provenance_open {
    uint32_t untrusted, unknown; /* for whose policies, as ENDORSED_TENANT */
};

#define ENDORSED_CALLS_MAX 4 /* different ones that are told of an argument */
#define RECORD_ENDORSED    "endorsed:call-" /* a place, in records */
struct arg_provenance {
    enum prov_source source; /* the worst of its items; PROV_NONE: no value */
    /* Places at which each of its items stands. */
    const struct ts_str *places;
    uint32_t place_count;
    /* For whose policies people let each of its items through, and some of the
     * calls; 0: not all of them were. */
    uint32_t endorsed_sets;
    struct endorsed_by endorsed[ENDORSED_CALLS_MAX];
    uint32_t endorsed_count;
};

struct call_provenance {
    struct provenance_class authority, links, content;
    struct provenance_open unendorsed;
    bool has_endorsed; /* people let something of it through: what one set of
                          policies sees may not be what another does */
    const struct arg_provenance *args; /* beside call_args.values */
    bool secrets;                      /* something secret flows in */
    enum prov_confidentiality level;   /* the highest of what was found */
    struct prov_taint task;
    enum prov_origin origin;
};

/* A value that the gate put in for a handle: where it comes from is known. */
#define CALL_HANDLES_MAX 16 /* in the arguments of one call */
#define HANDLE_WHOLE     UINT32_MAX
struct call_handle {
    struct ts_str arg;
    uint32_t item; /* of a list; HANDLE_WHOLE: the argument itself */
    uint32_t call; /* of the output that it named, and where in it */
    struct ts_str path;
    struct prov_seen seen;
    bool is_sealed; /* from an output that was kept back by rule */
};
/* Was a secret put in that the agent must not see? */
bool call_handles_seal(const struct call_handle *list, uint32_t count);

/* One value on the way, for who tells people of it; text and seen are good
 * during the call alone. */
struct provenance_value {
    const struct manifest_arg *decl;
    uint32_t item;        /* of a list; HANDLE_WHOLE: the argument itself */
    struct ts_str inside; /* of JSON: the pointer to it; otherwise "" */
    struct ts_str text;
    bool is_link; /* it is a link, address or account in such a text */
    const struct prov_seen *seen;
    /* Of a value of authority: what it is used for, and how people let it
     * through. NULL: nobody can. */
    const struct endorsed_use *use;
    struct endorsed_by endorsed;
};

struct provenance_input {
    const struct manifest *manifest;
    const struct call_args *args;
    struct ts_str who;      /* the chain's last block, of endorsed_use */
    struct prov_task *task; /* NULL: nothing is known of the task */
    const struct call_handle *handles;
    uint32_t handle_count;
    void *ctx;
    void (*saw)(void *ctx, const struct provenance_value *v); /* or NULL */
};
/* What it says lives in arena, and in the task until that changes. TS_E_NOMEM,
 * TS_E_LIMIT: the arena. */
TS_NODISCARD ts_err call_provenance_make(const struct provenance_input *in,
                                         struct ts_arena *arena,
                                         struct call_provenance *ret);

/* What a decision record says of it, for a call that is asked about again. */
struct recorded_arg_provenance {
    struct ts_str name;
    struct arg_provenance is;
};
struct recorded_provenance {
    struct call_provenance is; /* but for its args */
    const struct recorded_arg_provenance *args;
    uint32_t arg_count;
};
/* The same for these arguments; one that the record does not speak of is
 * unknown. Borrows from r. TS_E_NOMEM, TS_E_LIMIT: the arena. */
TS_NODISCARD ts_err call_provenance_again(const struct recorded_provenance *r,
                                          const struct call_args *args,
                                          struct ts_arena *arena,
                                          struct call_provenance *ret);

/* context.provenance, as the policies of set (ENDORSED_TENANT ..) see it.
 * declared is a Set of String. */
TS_NODISCARD ts_err call_provenance_record(const struct call_provenance *p,
                                           uint32_t set,
                                           const struct call_args *args,
                                           const struct cedar_value *declared,
                                           bool tainted, struct ts_arena *arena,
                                           struct cedar_value *ret);

#endif
