#ifndef POLICY_JSON_READER_H
#define POLICY_JSON_READER_H

#include "policy/cedar.h"

/*
 * A strict JSON reader (RFC 8259): one value and nothing after it; UTF-8; NUL
 * is a character like any other; integers are exact in 64 bits and anything
 * else that looks like a number is refused; a key twice in one object is
 * refused; nesting up to CEDAR_JSON_DEPTH unless the caller says otherwise.
 * Every value knows where it stood, from its first byte to its last.
 */
enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_kind kind;
    bool boolean;
    uint32_t count; /* of members */
    int64_t integer;
    struct ts_str str;          /* JSON_STRING */
    struct ts_str key;          /* when this is a member of an object */
    const struct json *first;   /* members in the order of the text */
    const struct json *next;    /* the next member of the same parent */
    const struct json **by_key; /* JSON_OBJECT: members sorted by key */
    struct cedar_span span;
};

/* All memory comes from arena; strings without escapes borrow from text. */
TS_NODISCARD ts_err cedar_json_parse(struct ts_arena *arena, struct ts_str text,
                                     uint32_t source, struct cedar_diags *diags,
                                     const struct json **ret);
/* The same with another limit. Reading does not recurse; whoever walks over
 * the result must count, or not recurse either. */
TS_NODISCARD ts_err cedar_json_parse_depth(struct ts_arena *arena,
                                           struct ts_str text, uint32_t source,
                                           uint32_t max_depth,
                                           struct cedar_diags *diags,
                                           const struct json **ret);
/* One whole text on memory of its own, at most CEDAR_JSON_BYTES; begins an
 * empty list of diagnostics. temp is initialised here and the caller's to end,
 * whatever comes back. */
TS_NODISCARD ts_err cedar_json_parse_source(const struct cedar_source *source,
                                            struct ts_arena *temp,
                                            struct cedar_diags *diags,
                                            const struct json **ret);
/* An array's members one at a time: a long list takes the memory of its longest
 * member, if the arena given to each call is reset before the next. What is
 * said of a text is what cedar_json_parse() says. */
struct cedar_json_list {
    struct ts_str text; /* borrowed; {0}: nothing is left */
    size_t at;
    uint32_t source, line, column;
    bool begun;
    struct cedar_diags *diags; /* may be NULL */
};
/* TS_E_INVALID, and nothing said, when the text begins otherwise. */
TS_NODISCARD ts_err cedar_json_list_open(struct cedar_json_list *l,
                                         struct ts_str text, uint32_t source,
                                         struct cedar_diags *diags);
/* NULL after the last, when the text is known to be right to its end. */
TS_NODISCARD ts_err cedar_json_list_next(struct cedar_json_list *l,
                                         struct ts_arena *arena,
                                         const struct json **ret);
/* NULL when obj has no such member. */
const struct json *cedar_json_get(const struct json *obj, struct ts_str key);
const char *cedar_json_kind_name(enum json_kind kind);

#endif
