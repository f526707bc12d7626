/* What an output looks like, in words that are the operator's alone. */
#include "sidecar/gate/provenance/outline.h"

#include <string.h>

#include "sidecar/gate/provenance/places.h"
#include "sidecar/gate/provenance/task_priv.h"

struct outlining {
    const struct prov_output_rules *rules;
    struct prov_outline *out;
    bool failed;
    uint32_t seen; /* leaves and keys */
};

static size_t segment_end(struct ts_str s, size_t at)
{
    size_t end = at + 1;

    while (end < s.len && s.ptr[end] != '/')
        end++;
    return end;
}

static struct ts_str part(struct ts_str s, size_t at, size_t end)
{
    return (struct ts_str){.ptr = s.ptr + at, .len = end - at};
}

/* Does a pattern spell this segment of the pointer out, with what is before it
 * fitting, too? */
static bool spells(struct ts_str pattern, struct ts_str pointer, size_t at)
{
    size_t p = 0, q = 0;

    while (p < pattern.len && q <= at) {
        size_t pe = segment_end(pattern, p), qe = segment_end(pointer, q);
        bool any = pe - p == 2 && pattern.ptr[p + 1] == '*';
        bool same = ts_str_eq(part(pattern, p, pe), part(pointer, q, qe));

        if (q == at)
            return same && !any;
        if (!same && !any)
            return false;
        p = pe;
        q = qe;
    }
    return false;
}

static bool one_spells(struct prov_patterns list, struct ts_str pointer,
                       size_t at)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (spells(list.list[i], pointer, at))
            return true;
    return false;
}

static bool is_plain(struct ts_str key)
{
    if (key.len == 0 || key.len > OUTLINE_KEY_MAX)
        return false;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
            (c < '0' || c > '9') && c != '_' && c != '-' && c != '.')
            return false;
    }
    return !place_key_is_data(key);
}

static bool all_digits(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

/* May the segment of the pointer that ends there be told? */
static bool is_told(const struct outlining *g, struct ts_str pointer, size_t at,
                    size_t end)
{
    const struct prov_output_rules *r = g->rules;
    struct prov_label l = prov_label_of(r, g->failed, part(pointer, 0, end));

    if (!is_plain(part(pointer, at + 1, end)))
        return false;
    return (l.source == PROV_TRUSTED && l.level != PROV_SECRET) ||
           one_spells(r->untrusted, pointer, at) ||
           one_spells(r->trusted, pointer, at) ||
           one_spells(r->ids, pointer, at) ||
           one_spells(r->secret, pointer, at);
}

/* False: it is too long. */
static bool pattern_of(const struct outlining *g, struct ts_str pointer,
                       struct prov_outline_row *ret)
{
    for (size_t at = 0; at < pointer.len;) {
        size_t end = segment_end(pointer, at);
        struct ts_str s = part(pointer, at + 1, end);

        if (all_digits(s))
            s = TS_STR_LIT("*");
        else if (!is_told(g, pointer, at, end))
            s = TS_STR_LIT("?");
        if (ret->pattern_len + 1 + s.len > sizeof(ret->pattern))
            return false;
        ret->pattern[ret->pattern_len++] = '/';
        memcpy(ret->pattern + ret->pattern_len, s.ptr, s.len);
        ret->pattern_len += (uint32_t)s.len;
        at = end;
    }
    return true;
}

static bool same_row(const struct prov_outline_row *a,
                     const struct prov_outline_row *b)
{
    return a->type == b->type && a->secret == b->secret &&
           a->pattern_len == b->pattern_len &&
           memcmp(a->pattern, b->pattern, a->pattern_len) == 0;
}

static void add(struct prov_outline *o, const struct prov_outline_row *row)
{
    for (uint32_t i = 0; i < o->count; i++) {
        struct prov_outline_row *r = &o->rows[i];

        if (!same_row(r, row))
            continue;
        r->count++;
        r->min = row->min < r->min ? row->min : r->min;
        r->max = row->max > r->max ? row->max : r->max;
        r->source = row->source > r->source ? row->source : r->source;
        return;
    }
    if (o->count < TS_OUTLINE_MAX)
        o->rows[o->count++] = *row;
    else
        o->more = true;
}

static ts_err on_leaf(void *ctx, const struct leaf *leaf)
{
    struct outlining *g = ctx;
    struct prov_label l;
    struct prov_outline_row row = {.type = leaf->type, .count = 1};

    if (++g->seen > OUTLINE_LEAVES_MAX) {
        g->out->more = true;
        return TS_E_LIMIT; /* ends the walk */
    }
    if (leaf->type == LEAF_KEY)
        return TS_OK;
    l = prov_label_of(g->rules, g->failed, leaf->pointer);
    row.source = l.source;
    row.secret = l.level == PROV_SECRET;
    if (leaf->type == LEAF_STRING && !row.secret)
        row.min = row.max = (uint32_t)leaf->text.len;
    if (pattern_of(g, leaf->pointer, &row))
        add(g->out, &row);
    else
        g->out->more = true;
    return TS_OK;
}

void prov_outline_of(struct ts_str json, const struct prov_output_rules *r,
                     bool failed, struct prov_outline *ret)
{
    struct outlining g = {.rules = r, .out = ret, .failed = failed};

    ret->count = 0;
    ret->more = false;
    if (leaves_walk(json, on_leaf, &g) != TS_OK)
        ret->more = true;
}

void prov_outline_text(struct ts_str text, const struct prov_output_rules *r,
                       bool trusted, struct prov_outline *ret)
{
    const bool secret = r->level == PROV_SECRET || r->secret.count > 0;
    const uint32_t len = secret ? 0 : (uint32_t)text.len;

    ret->rows[0] = (struct prov_outline_row){.type = LEAF_STRING,
                                             .count = 1,
                                             .min = len,
                                             .max = len,
                                             .source = trusted ? PROV_TRUSTED
                                                               : PROV_UNTRUSTED,
                                             .secret = secret};
    ret->count = 1;
    ret->more = false;
}

static ts_err find_secret(void *ctx, const struct leaf *leaf)
{
    const struct prov_output_rules *r = ctx;

    return prov_label_of(r, false, leaf->pointer).level == PROV_SECRET
               ? TS_E_EXISTS
               : TS_OK;
}

bool prov_output_is_secret(struct ts_str bytes,
                           const struct prov_output_rules *r)
{
    struct prov_output_rules copy = *r;

    if (r->level == PROV_SECRET)
        return true;
    if (r->secret.count == 0)
        return false;
    return leaves_check(bytes) != TS_OK ||
           leaves_walk(bytes, find_secret, &copy) != TS_OK;
}
