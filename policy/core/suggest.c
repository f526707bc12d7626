/* "Did you mean": edit distance with three rows, whatever the texts. */
#include <string.h>

#include "policy/core/diag.h"

#define NAME_MAX_LEN 64 /* bytes; longer names are never a slip of the pen */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_letters(struct ts_str a, struct ts_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

/* Insertions, deletions, substitutions and swaps of neighbours, whatever the
 * case of letters; both at most NAME_MAX_LEN. */
static unsigned distance(struct ts_str a, struct ts_str b)
{
    uint8_t rows[3][NAME_MAX_LEN + 1];
    uint8_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        last[j] = (uint8_t)j;
    for (size_t i = 1; i <= a.len; i++) {
        uint8_t *spare = before;

        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = lower(a.ptr[i - 1]), y = lower(b.ptr[j - 1]);
            unsigned d = min3(last[j] + 1u, row[j - 1] + 1u,
                              last[j - 1] + (x == y ? 0u : 1u));

            if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) &&
                y == lower(a.ptr[i - 2]) && before[j - 2] + 1u < d)
                d = before[j - 2] + 1u;
            row[j] = (uint8_t)d;
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b.len];
}

struct ts_str cedar_did_you_mean(struct ts_str name,
                                 const struct ts_str *candidates, size_t count)
{
    struct ts_str best = TS_STR_LIT("");
    unsigned nearest;

    if (name.len == 0 || name.len > NAME_MAX_LEN)
        return best;
    for (size_t i = 0; i < count; i++)
        if (same_letters(name, candidates[i]) &&
            !ts_str_eq(name, candidates[i]))
            return candidates[i];
    nearest = (unsigned)(name.len < 3 ? 3 : name.len) / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        struct ts_str c = candidates[i];
        size_t gap = c.len > name.len ? c.len - name.len : name.len - c.len;
        unsigned d;

        if (c.len == 0 || c.len > NAME_MAX_LEN || gap >= nearest ||
            ts_str_eq(c, name))
            continue;
        d = distance(name, c);
        if (d < nearest && d < name.len && d < c.len) {
            nearest = d;
            best = c;
        }
    }
    return best;
}
