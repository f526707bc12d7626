#ifndef SIDECAR_GATE_DECIDE_VALUE_H
#define SIDECAR_GATE_DECIDE_VALUE_H

#include "policy/cedar.h"

/* The constructors of policy/cedar.h for simple values, where the compiler can
 * see through them: a call makes about forty. */
static inline struct cedar_field value_text(struct ts_str key, struct ts_str v)
{
    return (struct cedar_field){
        .key = key, .value = {.kind = CEDAR_STRING, .as.string = v}};
}

static inline struct cedar_field value_long(struct ts_str key, int64_t v)
{
    return (struct cedar_field){.key = key,
                                .value = {.kind = CEDAR_LONG, .as.integer = v}};
}

static inline struct cedar_field value_bool(struct ts_str key, bool v)
{
    return (struct cedar_field){.key = key,
                                .value = {.kind = CEDAR_BOOL, .as.boolean = v}};
}

static inline struct cedar_field value_uid(struct ts_str key,
                                           const struct cedar_uid *v)
{
    return (struct cedar_field){.key = key,
                                .value = {.kind = CEDAR_ENTITY, .as.uid = v}};
}

static inline struct cedar_field value_of(struct ts_str key,
                                          struct cedar_value v)
{
    return (struct cedar_field){.key = key, .value = v};
}

#endif
