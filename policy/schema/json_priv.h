#ifndef POLICY_SCHEMA_JSON_PRIV_H
#define POLICY_SCHEMA_JSON_PRIV_H

#include "policy/json/reader.h"
#include "policy/schema/decl.h"

/*
 * The JSON form of a schema. The reader has refused what is not JSON, keys
 * given twice and nesting beyond measure; here every object is checked for what
 * it must and may hold. A mistake is noted and the next declaration read.
 */
struct schema_json {
    struct ts_arena *arena; /* of the schema */
    struct ts_str text;     /* lives as long as arena */
    struct schema_decls *decls;
    struct cedar_diags *diags;
};

/* ---- json_field.c ------------------------------------------------------- */
TS_NODISCARD ts_err json_fail(struct schema_json *j, const struct json *at,
                              const char *code, const char *label,
                              const char *hint, const char *fmt, ...)
    TS_PRINTF(6, 7);
/* what: "an entity type". */
TS_NODISCARD ts_err json_want(struct schema_json *j, const struct json *v,
                              enum json_kind kind, const char *what);
/* An object with no member but these. */
TS_NODISCARD ts_err json_fields(struct schema_json *j, const struct json *v,
                                const char *what, const struct ts_str *names,
                                size_t count);
/* TS_E_FORMAT when v lacks it. */
TS_NODISCARD ts_err json_need(struct schema_json *j, const struct json *v,
                              const char *what, const char *key,
                              const struct json **ret);
/* A string that lives as long as the schema. */
TS_NODISCARD ts_err json_keep(struct schema_json *j, struct ts_str s,
                              struct ts_str *ret);
TS_NODISCARD ts_err json_alloc(struct schema_json *j, size_t n, void *ret);
/* The member "annotations" of v, if there is one. */
TS_NODISCARD ts_err json_notes(struct schema_json *j, const struct json *v,
                               const struct decl_note **ret);
/* An array of strings, each a name in normal form. */
TS_NODISCARD ts_err json_names(struct schema_json *j, const struct json *v,
                               const char *what, const struct decl_name **ret);

/* ---- json_type.c -------------------------------------------------------- */
enum json_place { /* what may stand beside the type in its object */
    JSON_TYPE_ALONE,
    JSON_TYPE_COMMON, /* annotations */
    JSON_TYPE_ATTR    /* annotations, required */
};
TS_NODISCARD ts_err json_type(struct schema_json *j, const struct json *v,
                              enum json_place place,
                              const struct decl_type **ret);

/* ---- json_decl.c -------------------------------------------------------- */
TS_NODISCARD ts_err json_common(struct schema_json *j, const struct json *v,
                                struct decl_space *space);
TS_NODISCARD ts_err json_entity(struct schema_json *j, const struct json *v,
                                struct decl_space *space);
TS_NODISCARD ts_err json_action(struct schema_json *j, const struct json *v,
                                struct decl_space *space);

#endif
