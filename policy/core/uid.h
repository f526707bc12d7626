#ifndef POLICY_CORE_UID_H
#define POLICY_CORE_UID_H

#include <string.h>

#include "policy/cedar.h"

uint64_t cedar_hash_str(struct ts_str s, uint64_t seed);
/* Hash of a type name alone, as used for `is T`. */
uint64_t cedar_hash_type(struct ts_str type);
/* A total order: by hash, then type, then id. Equal only for equal uids. */
int cedar_uid_cmp(const struct cedar_uid *a, const struct cedar_uid *b);
/* Orders by length first: one compare of two numbers settles most cases. */
static inline int cedar_str_order(struct ts_str a, struct ts_str b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len == 0 ? 0 : memcmp(a.ptr, b.ptr, a.len);
}
/* cedar_uid_eq() with the usual answer, "no", given without a call. */
static inline bool cedar_uid_same(const struct cedar_uid *a,
                                  const struct cedar_uid *b)
{
    return a->hash == b->hash && cedar_uid_eq(a, b);
}
/* Copies both names into arena. */
TS_NODISCARD ts_err cedar_uid_copy(struct ts_arena *arena, struct ts_str type,
                                   struct ts_str id,
                                   const struct cedar_uid **ret);
TS_NODISCARD ts_err cedar_str_copy(struct ts_arena *arena, struct ts_str s,
                                   struct ts_str *ret);

#endif
