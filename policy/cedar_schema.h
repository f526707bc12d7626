#ifndef POLICY_CEDAR_SCHEMA_H
#define POLICY_CEDAR_SCHEMA_H

#include "policy/cedar.h"
#include "policy/cedar_text.h"
#include "proto/base/ts_buf.h"

#pragma GCC visibility push(default)

/*
 * Schemas, and what is checked against them: policies (the validator),
 * entities, requests and contexts. A schema is immutable and may be shared
 * between threads; whatever was checked or coerced with it does not borrow
 * from it unless said so here.
 */
struct cedar_schema;

/* Cedar schema syntax ("human-readable"), docs.cedarpolicy.com/schema. Several
 * sources are fragments of one schema. */
TS_NODISCARD ts_err cedar_schema_parse(const struct cedar_source *sources,
                                       size_t count, struct cedar_schema **ret,
                                       struct cedar_diags *diags);
/* The JSON schema format. */
TS_NODISCARD ts_err cedar_schema_parse_json(const struct cedar_source *sources,
                                            size_t count,
                                            struct cedar_schema **ret,
                                            struct cedar_diags *diags);
void cedar_schema_free(struct cedar_schema *s);
/*
 * A schema in either form, with annotations and common types as written;
 * declarations in order of their names, appended to out. TS_E_LIMIT over
 * out->max. TS_E_UNSUPPORTED: text cannot say it (a shape that is the name of a
 * common type; an entity type that a common type of the same name hides).
 */
TS_NODISCARD ts_err cedar_schema_print(const struct cedar_schema *s,
                                       struct ts_buf *out);
TS_NODISCARD ts_err cedar_schema_print_json(const struct cedar_schema *s,
                                            struct ts_buf *out);

/* ---- the validator ------------------------------------------------------ */

enum cedar_validation {
    CEDAR_STRICT = 0,
    CEDAR_PERMISSIVE
};

#define CEDAR_ANY_LEVEL UINT32_MAX

struct cedar_validate_options {
    enum cedar_validation mode;
    uint32_t level;  /* entity dereferences allowed, RFC 76; or ANY_LEVEL */
    uint64_t work;   /* steps for all policies of one call; 0: for each of them
                        what CEDAR_VALIDATE_WORK says */
    bool slots_only; /* of links: their templates are validated, too */
};
extern const struct cedar_validate_options cedar_validate_default;
/* Strict, and in milliseconds whatever the text and the schema. */
extern const struct cedar_validate_options cedar_validate_block;

/*
 * Validates one policy, template or link (index as in cedar_ast_info). TS_OK:
 * valid, perhaps with warnings in diags; TS_E_FORMAT: not, diags says where and
 * why (codes: docs/POLICY.md); anything else: it could not be told, which a
 * caller must take as "not valid".
 */
TS_NODISCARD ts_err cedar_validate_policy(
    const struct cedar_ast *a, size_t index, const struct cedar_schema *s,
    const struct cedar_validate_options *options, struct cedar_diags *diags);
/* All of them; TS_OK when every one is valid. */
TS_NODISCARD ts_err cedar_validate(const struct cedar_ast *a,
                                   const struct cedar_schema *s,
                                   const struct cedar_validate_options *options,
                                   struct cedar_diags *diags);

/* ---- data --------------------------------------------------------------- */

/*
 * Entities with a schema: bare {"type", "id"} and constructor strings are read
 * as the declared type wants them; undeclared types, attributes, tags, parents
 * and enum ids are errors; action entities come from the schema (one in the
 * text must agree with it). Otherwise as cedar_entities_parse().
 */
TS_NODISCARD ts_err cedar_entities_parse_schema(
    const struct cedar_schema *s, const struct cedar_source *sources,
    size_t count, struct cedar_entities **ret, struct cedar_diags *diags);

/* A context in JSON for this action, coerced and checked; s may be NULL. */
TS_NODISCARD ts_err cedar_context_parse(struct ts_arena *arena,
                                        const struct cedar_schema *s,
                                        const struct cedar_uid *action,
                                        const struct cedar_source *source,
                                        struct cedar_value *ret,
                                        struct cedar_diags *diags);

/*
 * Principal, action, resource and context against the schema. Allocates nothing
 * and is quick enough for every call. diags may be NULL. TS_E_INVALID: the
 * request does not fit.
 */
TS_NODISCARD ts_err cedar_request_check(const struct cedar_schema *s,
                                        const struct cedar_request *req,
                                        struct cedar_diags *diags);
/* The same without the context: for another question in a context that was
 * checked, or in a copy of it with values of the same types. */
TS_NODISCARD ts_err cedar_request_check_uids(const struct cedar_schema *s,
                                             const struct cedar_request *req,
                                             struct cedar_diags *diags);
/* One entity that exists for a request only (struct cedar_overlay). */
TS_NODISCARD ts_err cedar_overlay_check(const struct cedar_schema *s,
                                        const struct cedar_overlay *entity,
                                        struct cedar_diags *diags);

#pragma GCC visibility pop

#endif
