#ifndef POLICY_CORE_UID_H
#define POLICY_CORE_UID_H

#include <string.h>

#include "policy/cedar.h"

uint64_t cedar_hash_str(struct ts_str s, uint64_t seed);
/* A total order: by hash, then type, then id. Equal only for equal uids. */
int cedar_uid_cmp(const struct cedar_uid *a, const struct cedar_uid *b);
static inline uint64_t cedar_word_at(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return w;
}
/* memcmp() == 0 without a call, for n up to 32: words that may overlap. */
static inline bool cedar_few_same(const char *a, const char *b, size_t n)
{
    uint64_t d;
    uint32_t s, t, u, v;

    if (n >= 8) {
        d = (cedar_word_at(a) ^ cedar_word_at(b)) |
            (cedar_word_at(a + n - 8) ^ cedar_word_at(b + n - 8));
        if (n > 16)
            d |= (cedar_word_at(a + 8) ^ cedar_word_at(b + 8)) |
                 (cedar_word_at(a + n - 16) ^ cedar_word_at(b + n - 16));
        return d == 0;
    }
    if (n >= 4) {
        memcpy(&s, a, 4);
        memcpy(&t, b, 4);
        memcpy(&u, a + n - 4, 4);
        memcpy(&v, b + n - 4, 4);
        return ((s ^ t) | (u ^ v)) == 0;
    }
    return n == 0 ||
           ((a[0] ^ b[0]) | (a[n / 2] ^ b[n / 2]) | (a[n - 1] ^ b[n - 1])) == 0;
}
static inline bool cedar_bytes_same(const char *a, const char *b, size_t n)
{
    return n <= 32 ? cedar_few_same(a, b, n) : memcmp(a, b, n) == 0;
}
static inline bool cedar_str_same(struct ts_str a, struct ts_str b)
{
    return a.len == b.len && cedar_bytes_same(a.ptr, b.ptr, a.len);
}
/* Orders by length first: one compare of two numbers settles most cases. */
static inline int cedar_str_order(struct ts_str a, struct ts_str b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len == 0 ? 0 : memcmp(a.ptr, b.ptr, a.len);
}
/* Whether two uids with equal hashes are equal. Apart, so that the many callers
 * whose answer is "no" keep nothing for it. */
bool cedar_uid_confirm(const struct cedar_uid *a, const struct cedar_uid *b);
/* cedar_uid_eq() with the usual answer, "no", given without a call. */
static inline bool cedar_uid_same(const struct cedar_uid *a,
                                  const struct cedar_uid *b)
{
    return a->hash == b->hash && cedar_uid_confirm(a, b);
}
/* Copies both names into arena. */
TS_NODISCARD ts_err cedar_uid_copy(struct ts_arena *arena, struct ts_str type,
                                   struct ts_str id,
                                   const struct cedar_uid **ret);
TS_NODISCARD ts_err cedar_str_copy(struct ts_arena *arena, struct ts_str s,
                                   struct ts_str *ret);

#endif
