#include "naive.h"

#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/canon.h"

#define LONGEST 5000

struct text {
    char b[LONGEST];
    size_t len;
};

static void canonical(struct ts_str s, struct text *ret)
{
    struct ts_buf b;

    ts_buf_init(&b, LONGEST);
    TS_REQUIRE(canon_text(s, &b) == TS_OK && b.len < LONGEST);
    if (b.len > 0)
        memcpy(ret->b, ts_buf_bytes(&b), b.len);
    ret->len = b.len;
    ts_buf_done(&b);
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool letter(const struct text *t, size_t i)
{
    while (i > 0 && ((unsigned char)t->b[i] & 0xc0) == 0x80)
        i--;
    return i < t->len &&
           (canon_is_alnum(t->b[i]) ||
            ((unsigned char)t->b[i] >= 0xc3 && (unsigned char)t->b[i] <= 0xdf));
}

static size_t run(const char *s, size_t n, const char *marks)
{
    size_t i = 0;

    while (i < n && (canon_is_alnum(s[i]) || (unsigned char)s[i] >= 0x80 ||
                     (s[i] != '\0' && strchr(marks, s[i]) != NULL)))
        i++;
    return i;
}

/* Is what stands at i to end a part of a longer address or host? */
static bool part_of_address(const char *s, size_t n, const struct text *hay,
                            size_t i)
{
    size_t local = run(s, n, ".+_-'%~&"), host = run(s, n, ".-");
    bool address = local > 0 && local < n && s[local] == '@', name = false;
    size_t left = i, right = i + n, tail = n;
    const char *marks = address ? ".+_-'%~&" : "-_";

    for (size_t k = 1; k + 1 < host; k++)
        name = name ||
               (s[k] == '.' && !digit(s[k + 1]) && run(s + k + 1, 1, "") == 1);
    name = name && !address && (host == n || strchr("/:?#", s[host]) != NULL);
    while (left > 0 && hay->b[left - 1] != '\0' &&
           strchr(marks, hay->b[left - 1]) != NULL)
        left--;
    if ((address || name) && left > 0 && letter(hay, left - 1))
        return true;
    while (tail > 0 && run(s + tail - 1, 1, ".-") == 1)
        tail--;
    if (!(name && host == n) && !(tail > 0 && tail < n && s[tail - 1] == '@'))
        return false;
    if (right < hay->len && letter(hay, right))
        return true;
    return right + 1 < hay->len &&
           (hay->b[right] == '.' || hay->b[right] == '-') &&
           letter(hay, right + 1);
}

static bool inside(const char *needle, size_t n, const struct text *hay,
                   bool number, bool named)
{
    for (size_t i = 0; i + n <= hay->len; i++) {
        char before = i > 0 ? hay->b[i - 1] : ' ';
        char after = i + n < hay->len ? hay->b[i + n] : ' ';
        size_t k = i, others = 0;

        if (memcmp(hay->b + i, needle, n) != 0 || canon_is_alnum(before) ||
            canon_is_alnum(after))
            continue;
        if (number && (before == '.' || before == ',') && i > 1 &&
            digit(hay->b[i - 2]))
            continue;
        if (number && (after == '.' || after == ',') && i + n + 1 < hay->len &&
            digit(hay->b[i + n + 1]))
            continue;
        if (!named && part_of_address(needle, n, hay, i))
            continue;
        if (!named)
            return true;
        while (k > 0 && !canon_is_alnum(hay->b[k - 1]) && others < 5) {
            k--;
            others++;
        }
        if (others >= 1 && others <= 4 && k >= 2 && hay->b[k - 1] == 'd' &&
            hay->b[k - 2] == 'i' && (k == 2 || !canon_is_alnum(hay->b[k - 3])))
            return true;
    }
    return false;
}

static bool has_word(const struct text *t)
{
    for (size_t i = 0; i < t->len; i++)
        if (canon_is_alnum(t->b[i]) || (unsigned char)t->b[i] >= 0x80)
            return true;
    return false;
}

static bool number_hit(const struct naive_leaf *l, const struct text *hay,
                       const struct canon_number *n, const struct text *value)
{
    char spelled[CANON_SPELLINGS][CANON_SPELLING_MAX];
    struct canon_number m;

    if (l->kind == PROV_NUMBER && canon_number(l->text, &m))
        return canon_number_same(n, &m);
    if (inside(value->b, value->len, hay, true, false))
        return true;
    for (uint32_t i = canon_number_spell(n, spelled); i-- > 0;)
        if (inside(spelled[i], strlen(spelled[i]), hay, true, false))
            return true;
    return false;
}

/* An account number: without its spaces, or "" if it is none. */
static void account(const struct text *v, char whole[40])
{
    unsigned long long rest = 0;
    size_t n = 0;

    whole[0] = '\0';
    for (size_t i = 0; i < v->len; i++)
        if (v->b[i] != ' ') {
            if (n == 34 || !canon_is_alnum(v->b[i])) {
                whole[0] = '\0';
                return;
            }
            whole[n++] = v->b[i];
        } else if (i % 5 != 4) {
            whole[0] = '\0';
            return;
        }
    whole[n] = '\0';
    if (n < 15 || digit(whole[0]) || digit(whole[1]) || !digit(whole[2]) ||
        !digit(whole[3]) || (v->len != n && v->len != n + (n - 1) / 4))
        n = 0;
    for (size_t i = 4; i < n + 4; i++) {
        char c = whole[i % n];

        rest = digit(c) ? rest * 10 + (unsigned)(c - '0')
                        : rest * 100 + (unsigned)(c - 'a') + 10;
        rest %= 97;
    }
    if (rest != 1)
        whole[0] = '\0';
}

static bool account_hit(const char *whole, const struct text *hay)
{
    char printed[60];
    size_t at = 0;

    for (size_t i = 0; whole[i] != '\0'; i++) {
        if (i > 0 && i % 4 == 0)
            printed[at++] = ' ';
        printed[at++] = whole[i];
    }
    return inside(whole, strlen(whole), hay, false, false) ||
           inside(printed, at, hay, false, false);
}

static bool hit(const struct naive_leaf *l, enum prov_kind kind,
                struct ts_str value, const struct text *v)
{
    struct canon_number n, m;
    struct text hay;
    char whole[40];

    canonical(l->text, &hay);
    if (hay.len == 0)
        return false;
    if (kind == PROV_ID)
        return (l->label.is_id && ts_str_eq(l->text, value)) ||
               (l->label.source == PROV_PROMPT && has_word(v) &&
                !(l->kind == PROV_NUMBER && canon_number(l->text, &m)) &&
                inside(v->b, v->len, &hay, false, true));
    if (canon_number(value, &n))
        return number_hit(l, &hay, &n, v);
    if (l->kind == PROV_NUMBER && canon_number(l->text, &m))
        return false;
    if (!has_word(v))
        return hay.len == v->len && memcmp(hay.b, v->b, v->len) == 0;
    account(v, whole);
    if (whole[0] != '\0')
        return account_hit(whole, &hay);
    return inside(v->b, v->len, &hay, false, false);
}

enum prov_source naive_find(const struct naive *n, enum prov_kind kind,
                            struct ts_str value)
{
    enum prov_source best = PROV_UNKNOWN;
    struct text v;

    if (value.len == 0)
        return PROV_UNKNOWN;
    canonical(value, &v);
    if (v.len == 0)
        return PROV_UNKNOWN;
    for (uint32_t i = 0; i < n->count; i++)
        if (n->leaves[i].label.source < best &&
            hit(&n->leaves[i], kind, value, &v))
            best = n->leaves[i].label.source;
    return best;
}
