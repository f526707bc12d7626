#ifndef POLICY_CONFORM_CONFORM_H
#define POLICY_CONFORM_CONFORM_H

#include "policy/json/reader.h"
#include "policy/schema/schema.h"

/*
 * Values against the types of a schema. A failure is described where it is
 * found, with the path that leads there; diagnostics are collected until there
 * is no more room for them. With diags NULL the first failure is the end.
 */
struct conform {
    const struct cedar_schema *schema;
    struct cedar_diags *diags;   /* may be NULL */
    const struct cedar_uid *uid; /* whose attributes these are; NULL: the
                                    context of a request */
    struct cedar_span span;      /* of what is checked; zeroed: no text */
};

/* How one got from the entity or the context to a value; on the stack of those
 * who walk. */
enum conform_step_kind {
    CONFORM_ATTR,
    CONFORM_TAG,
    CONFORM_MEMBER /* of a set */
};

struct conform_step {
    const struct conform_step *up;
    enum conform_step_kind kind;
    uint32_t index;
    struct ts_str key;
};

/* ---- check.c: finished values; no allocation ---------------------------- */

bool conform_value(const struct conform *c, const struct cedar_value *v,
                   const struct cedar_type *t, const struct conform_step *up);
bool conform_record(const struct conform *c, const struct cedar_record *r,
                    const struct cedar_attrs *attrs,
                    const struct conform_step *up);
/* Whether the id is one that an enum or the actions of the schema have; for
 * other types always. t is the type of uid. */
bool conform_id(const struct conform *c, const struct schema_entity *t,
                const struct cedar_uid *uid, const struct conform_step *up);
/* Whether an entity of type t may have this parent (or ancestor). */
bool conform_parent(const struct conform *c, const struct schema_entity *t,
                    const struct cedar_uid *parent);
/* The type of the entity c->uid, which must not be an action; NULL with a
 * diagnostic. */
const struct schema_entity *conform_entity_type(const struct conform *c);

/* ---- coerce.c: JSON text into values of the declared type --------------- */

struct coerce {
    struct conform c; /* its span is set as the walk goes */
    struct ts_arena *arena;
    bool loose; /* read as the type wants it, but let other types pass */
};

/* TS_E_FORMAT after a diagnostic; what stands beside it has been read too. The
 * value does not borrow from v. */
TS_NODISCARD ts_err coerce_value(struct coerce *k, const struct json *v,
                                 const struct cedar_type *t,
                                 const struct conform_step *up,
                                 struct cedar_value *ret);
TS_NODISCARD ts_err coerce_record(struct coerce *k, const struct json *v,
                                  const struct cedar_attrs *attrs,
                                  const struct conform_step *up,
                                  struct cedar_value *ret);
TS_NODISCARD ts_err coerce_tags(struct coerce *k, const struct json *v,
                                const struct cedar_type *t,
                                struct cedar_value *ret);
/* coerce_ext.c: t is TYPE_EXT. */
TS_NODISCARD ts_err coerce_ext(struct coerce *k, const struct json *v,
                               const struct cedar_type *t,
                               const struct conform_step *up,
                               struct cedar_value *ret);

/* ---- context.c ---------------------------------------------------------- */

/* cedar_context_parse() from a tree; loose as in struct coerce. The action must
 * be declared. */
TS_NODISCARD ts_err conform_context(struct ts_arena *arena,
                                    const struct cedar_schema *s,
                                    const struct cedar_uid *action,
                                    const struct json *v, bool loose,
                                    struct cedar_value *ret,
                                    struct cedar_diags *diags);

/* ---- report.c: what is said --------------------------------------------- */

/* True when there is nobody to tell more to. */
static inline bool conform_deaf(const struct conform *c)
{
    return c->diags == NULL || c->diags->errors >= CEDAR_DIAGS_MAX;
}

/* `should` is what the schema declares; found one of the two. All return
 * false. */
bool conform_say_type(const struct conform *c, const struct conform_step *at,
                      const struct cedar_type *should,
                      const struct cedar_value *found);
bool conform_say_json(const struct conform *c, const struct conform_step *at,
                      const struct cedar_type *should,
                      const struct json *found);
/* Why a constructor refused its argument. */
bool conform_say_fault(const struct conform *c, const struct conform_step *at,
                       const char *text);
bool conform_say_missing(const struct conform *c, const struct conform_step *up,
                         const struct cedar_attr *attr);
bool conform_say_unknown(const struct conform *c, const struct conform_step *at,
                         const struct cedar_attrs *attrs);
bool conform_say_tag(const struct conform *c, const struct conform_step *at);
bool conform_say_parent(const struct conform *c, const struct schema_entity *t,
                        const struct cedar_uid *parent);
bool conform_say_enum(const struct conform *c, const struct schema_entity *t,
                      const struct cedar_uid *uid,
                      const struct conform_step *at);
bool conform_say_action(const struct conform *c, const struct cedar_uid *uid);
bool conform_say_no_type(const struct conform *c, const char *what,
                         struct ts_str type);
bool conform_say_not_for(const struct conform *c, const char *what,
                         struct ts_str type, const struct schema_action *a,
                         const uint32_t *list, uint32_t count);

#endif
