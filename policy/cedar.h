#ifndef POLICY_CEDAR_H
#define POLICY_CEDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

#pragma GCC visibility push(default)

/*
 * The Cedar policy language (4.5) for C: parse a policy set, load entities,
 * authorize a request. Exactly Cedar's semantics: decision, determining
 * policies, errors; beside them the satisfied permits, which a wrapper needs
 * to tell "asking a person would help" from "nothing permits this".
 *
 * Libc only. Opens no file, reads no clock, logs nothing. A loaded policy set
 * and an entity store are immutable and may be shared between threads; each
 * authorization uses memory of its caller.
 */

/* The version of the language, as the Cedar project numbers it. */
#define CEDAR_LANGUAGE "4.5"

/* ---- diagnostics ------------------------------------------------------- */

struct cedar_span {  /* in one source text; line and column count from 1 */
    uint32_t source; /* index into the sources given to the parser */
    uint32_t offset; /* bytes */
    uint32_t len;    /* bytes */
    uint32_t line;
    uint32_t column; /* in code points */
};

enum cedar_severity {
    CEDAR_ERROR = 0, /* the text is refused */
    CEDAR_WARNING    /* accepted; a person should look */
};

struct cedar_diag {
    const char *code; /* stable, e.g. "parse_error", "duplicate_id" */
    enum cedar_severity severity;
    struct cedar_span span;
    char text[256];  /* one sentence, escaped for a terminal */
    char label[96];  /* what stands at the caret, in a few words, or "" */
    char hint[160];  /* what to do, or "" */
    char policy[64]; /* id of the policy it is about, escaped, or "" */
};

#define CEDAR_DIAGS_MAX 20

/* Memory of the caller, zeroed. What reads policies, links, entities or values
 * begins with an empty list; schemas, validating, linting and compiling add to
 * it. Beyond CEDAR_DIAGS_MAX diagnostics are only counted, and the first errors
 * are kept rather than warnings. */
struct cedar_diags {
    uint32_t count; /* errors + warnings; of these min(count, MAX) in list */
    uint32_t errors;
    uint32_t warnings;
    struct cedar_diag list[CEDAR_DIAGS_MAX];
};

/* An empty list; diags may be NULL. */
void cedar_diags_clear(struct cedar_diags *diags);

/*
 * Writes one diagnostic for a person, in the manner of rustc:
 *
 *   error[unknown_attribute]: `User` has no attribute `agee`
 *     --> policies/a.cedar:3:18
 *      |
 *    3 | when { principal.agee > 3 };
 *      |        ^^^^^^^^^^^^^^ not declared in the schema
 *      = help: did you mean `age`?
 *
 * Without source text only head and hint. colour: ANSI SGR sequences. Never
 * writes beyond cap, always ends in NUL; returns the length.
 */
size_t cedar_diag_format(const struct cedar_diag *d, const char *source_name,
                         struct ts_str source, bool colour, char *out,
                         size_t cap);

/* ---- values ------------------------------------------------------------ */

enum cedar_kind {
    CEDAR_NONE = 0, /* never a value; a zeroed struct is not one by accident */
    CEDAR_BOOL,
    CEDAR_LONG,
    CEDAR_STRING,
    CEDAR_ENTITY,
    CEDAR_SET,
    CEDAR_RECORD,
    CEDAR_DECIMAL,
    CEDAR_IPADDR,
    CEDAR_DATETIME,
    CEDAR_DURATION
};

struct cedar_uid { /* Type::"id"; made by cedar_uid_make() only */
    struct ts_str type;
    struct ts_str id;
    uint64_t hash;
};

struct cedar_set;    /* canonical: sorted, without duplicates */
struct cedar_record; /* sorted by key */

struct cedar_ip {
    uint8_t addr[16]; /* network order; IPv4 in the first four */
    uint8_t prefix;
    bool v6;
};

struct cedar_value {
    enum cedar_kind kind;
    union {
        bool boolean;
        int64_t integer; /* LONG; DECIMAL x 10^4; DATETIME, DURATION in ms */
        struct ts_str string;
        const struct cedar_uid *uid;
        const struct cedar_set *set;
        const struct cedar_record *record;
        struct cedar_ip ip;
    } as;
};

/* type must be a normalised Cedar name; both borrow. */
struct cedar_uid cedar_uid_make(struct ts_str type, struct ts_str id);
bool cedar_uid_eq(const struct cedar_uid *a, const struct cedar_uid *b);

struct cedar_value cedar_bool(bool v);
struct cedar_value cedar_long(int64_t v);
struct cedar_value cedar_string(struct ts_str v); /* borrows; must be UTF-8 */
struct cedar_value cedar_entity(const struct cedar_uid *uid); /* borrows */
/* TS_E_FORMAT when the text is not one; the syntax of Cedar's decimal(). */
TS_NODISCARD ts_err cedar_decimal(struct ts_str text, struct cedar_value *ret);
TS_NODISCARD ts_err cedar_ipaddr(struct ts_str text, struct cedar_value *ret);
struct cedar_value cedar_datetime_ms(int64_t unix_ms);
struct cedar_value cedar_duration_ms(int64_t ms);

/* Copies n values into arena, sorted and without duplicates. */
TS_NODISCARD ts_err cedar_set_make(struct ts_arena *arena,
                                   const struct cedar_value *values, size_t n,
                                   struct cedar_value *ret);

struct cedar_field {
    struct ts_str key; /* borrowed for as long as the record lives */
    struct cedar_value value;
};
/* Copies n fields into arena, sorted; a key twice is TS_E_EXISTS. Fields that
 * come sorted by (length, bytes) are checked, not sorted: keep them so where
 * speed matters. */
TS_NODISCARD ts_err cedar_record_make(struct ts_arena *arena,
                                      const struct cedar_field *fields,
                                      size_t n, struct cedar_value *ret);
/* A copy in which field i holds another value, not a set or record; what it
 * replaces must be none either. TS_E_INVALID otherwise. */
TS_NODISCARD ts_err cedar_record_with(struct ts_arena *arena,
                                      const struct cedar_record *r, size_t i,
                                      const struct cedar_value *v,
                                      struct cedar_value *ret);
size_t cedar_record_count(const struct cedar_record *r);
const struct cedar_field *cedar_record_at(const struct cedar_record *r,
                                          size_t i);
const struct cedar_value *cedar_record_get(const struct cedar_record *r,
                                           struct ts_str key);
size_t cedar_set_count(const struct cedar_set *s);
const struct cedar_value *cedar_set_at(const struct cedar_set *s, size_t i);
bool cedar_value_eq(const struct cedar_value *a, const struct cedar_value *b);
/* Cedar literal text, escaped, at most cap bytes, for records and explain. */
size_t cedar_value_print(const struct cedar_value *v, char *out, size_t cap);

/* ---- policy sets ------------------------------------------------------- */

struct cedar_source {
    const char *name; /* file name for diagnostics; borrowed during the call */
    struct ts_str text;
};

struct cedar_options {
    size_t max_bytes; /* of all sources together */
    uint32_t max_policies;
    size_t max_policy_bytes;
    uint32_t max_depth; /* nesting of expressions */
    bool require_id;    /* every policy needs a unique @id, used as its name;
                           otherwise policies are policy0, policy1, ... and an
                           @id, where present, is only an annotation */
    bool prefer_id;     /* without require_id: an @id, where present, is the
                           name, as the `cedar` command line does it; a name
                           twice is an error */
};
/* Files of an operator: 16 MiB, 65,536 policies of 64 KiB, depth 64; every
 * policy needs a unique @id. */
extern const struct cedar_options cedar_options_default;
/* Text of a delegation block, from a stranger: 4 KiB, 64 policies, depth 64;
 * policies are named by their place. */
extern const struct cedar_options cedar_options_block;

struct cedar_policies;

/*
 * Parses Cedar text into one immutable set (static policies; a template with
 * slots is a diagnostic here, since nothing could link it: policy/cedar_text.h
 * has the long way). On failure *ret is untouched and diags says
 * where and why. Free with cedar_policies_free().
 */
TS_NODISCARD ts_err cedar_policies_parse(const struct cedar_source *sources,
                                         size_t count,
                                         const struct cedar_options *options,
                                         struct cedar_policies **ret,
                                         struct cedar_diags *diags);
void cedar_policies_free(struct cedar_policies *p);

enum cedar_effect {
    CEDAR_FORBID = 0,
    CEDAR_PERMIT = 1
};

struct cedar_policy_info { /* borrows from the set */
    struct ts_str id;
    enum cedar_effect effect;
    struct cedar_span span;
};
size_t cedar_policies_count(const struct cedar_policies *p);
struct cedar_policy_info cedar_policies_info(const struct cedar_policies *p,
                                             size_t index);
/* The value of an annotation ("" for one without value); false if absent. */
bool cedar_policies_annotation(const struct cedar_policies *p, size_t index,
                               const char *key, struct ts_str *ret);

/* ---- entities ---------------------------------------------------------- */

struct cedar_entities;

/* Cedar's JSON entity format, without a schema (with one:
 * policy/cedar_schema.h). Computes the transitive
 * closure of parents; cycles, duplicate entities that differ, duplicate JSON
 * keys, floats and null are errors with a position. */
TS_NODISCARD ts_err cedar_entities_parse(const struct cedar_source *sources,
                                         size_t count,
                                         struct cedar_entities **ret,
                                         struct cedar_diags *diags);
void cedar_entities_free(struct cedar_entities *e);

/* One value in Cedar's JSON form (see cedar_entities_parse), copied into
 * arena: a context in a policy test, for example. */
TS_NODISCARD ts_err cedar_value_parse(struct ts_arena *arena,
                                      const struct cedar_source *source,
                                      struct cedar_value *ret,
                                      struct cedar_diags *diags);

/* An entity that exists for one request only (the resource of a call, its
 * derived parents). ancestors: all of them, not only parents. Looked up before
 * the store; an overlay entity hides one of the same uid in the store. */
struct cedar_overlay {
    struct cedar_uid uid;
    struct cedar_value attrs; /* a record, or CEDAR_NONE for no attributes */
    const struct cedar_uid *ancestors;
    size_t ancestor_count;
    struct cedar_value tags; /* a record, or CEDAR_NONE for no tags */
};

/* NULL when the store does not know the entity. Valid as long as the store. */
const struct cedar_record *cedar_entity_attrs(const struct cedar_entities *e,
                                              const struct cedar_uid *uid);
/* All ancestors (transitive), borrowed from the store; 0 when unknown. */
size_t cedar_entity_ancestors(const struct cedar_entities *e,
                              const struct cedar_uid *uid,
                              const struct cedar_uid *const **ret);

/* ---- authorization ----------------------------------------------------- */

struct cedar_request {
    struct cedar_uid principal;
    struct cedar_uid action;
    struct cedar_uid resource;
    struct cedar_value context; /* a record */
    const struct cedar_overlay *overlay;
    size_t overlay_count;
};

enum cedar_decision {
    CEDAR_DENY = 0,
    CEDAR_ALLOW = 1
};

/* Policies are named by their index in the set. */
struct cedar_error {
    uint32_t policy;
    const char *code; /* e.g. "type_error", "missing_attribute", "overflow" */
    char text[160];
};

struct cedar_answer { /* arrays live in the arena given to cedar_authorize() */
    enum cedar_decision decision;
    const uint32_t *reasons; /* determining policies, in order of the set */
    uint32_t reason_count;
    const uint32_t *satisfied_permits;
    uint32_t permit_count;
    const struct cedar_error *errors;
    uint32_t error_count;
    bool forbid_error; /* an error came from a forbid */
};

/*
 * Evaluates every policy whose scope matches; no short circuit, so reasons and
 * errors are complete. Any failure of the engine itself (memory, depth) is
 * returned as an error and is never a decision: the caller must deny.
 */
TS_NODISCARD ts_err cedar_authorize(const struct cedar_policies *p,
                                    const struct cedar_entities *e,
                                    const struct cedar_request *req,
                                    struct ts_arena *arena,
                                    struct cedar_answer *ret);

#pragma GCC visibility pop

#endif
