/* Is a value in the index, and where: rarest word first, best source first. */
#include <string.h>

#include "sidecar/gate/provenance/iban.h"
#include "sidecar/gate/provenance/index_priv.h"

/* One look-up in the leaves of one source. */
struct look {
    struct prov_index *x;
    uint32_t source; /* 0: prompt */
    size_t work;     /* bytes that may still be compared */
    struct prov_found *found;
    const struct prov_said *but; /* calls that do not count; NULL: all do */
    struct prov_said *said;      /* not NULL: names go there instead */
    bool is_whole;               /* a part of a leaf is not it */
};

static uint32_t slot_of(const struct prov_said *s, uint32_t name)
{
    uint32_t i = name % (2 * PROV_SAID_MAX);

    while (s->names[i] != 0 && s->names[i] != name)
        i = (i + 1) % (2 * PROV_SAID_MAX);
    return i;
}

/* Half of the table stays free, so that every search of it ends. */
static void note(struct prov_said *s, uint32_t name)
{
    uint32_t i = slot_of(s, name);

    if (s->names[i] == name)
        return;
    if (s->count == PROV_SAID_MAX) {
        s->all = true;
        return;
    }
    s->names[i] = name;
    s->count++;
}

bool prov_said_has(const struct prov_said *s, uint32_t name)
{
    return s->all || s->names[slot_of(s, name)] != 0;
}

static bool is_repeated(const struct look *k, const struct index_leaf *l)
{
    return k->but != NULL && l->label.said != 0 &&
           prov_said_has(k->but, l->label.said);
}

const struct index_leaf *index_leaf_at(const struct prov_index *x, uint32_t at)
{
    const struct index_leaf *l = index_leaves(x);
    uint32_t lo = 0, hi = x->leaves.count; /* the last that begins before it */

    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (l[mid].at <= at)
            lo = mid;
        else
            hi = mid;
    }
    return &l[lo];
}

static void hit(struct look *k, const struct index_leaf *l)
{
    struct prov_found *f = k->found;

    if (k->said != NULL) {
        note(k->said, l->call);
        return;
    }
    if (is_repeated(k, l))
        return;
    f->source = l->label.source;
    if (l->label.level > f->level)
        f->level = l->label.level;
    for (uint32_t i = 0; i < f->count; i++)
        if (f->places[i] == l->place && f->calls[i] == l->call)
            return;
    if (f->count == PROV_FOUND_PLACES) {
        f->more = true;
        return;
    }
    f->places[f->count] = l->place;
    f->calls[f->count++] = l->call;
}

static bool spend(struct look *k, size_t n)
{
    if (k->work < n || k->x->work_left < n) {
        k->work = 0;
        k->found->more = true;
        return false;
    }
    k->work -= n;
    k->x->work_left -= n;
    return true;
}

/* The needle at a place of the text, whole words at its ends. A number there
 * must not be a part of a longer one: 200 is not in 1,200 nor in 200.50. */
static bool stands_at(const char *text, size_t at, struct ts_str needle,
                      bool number)
{
    const char *p = text + at, *end = p + needle.len;

    if (memcmp(p, needle.ptr, needle.len) != 0 || canon_is_alnum(p[-1]) ||
        canon_is_alnum(*end))
        return false;
    if (!number)
        return true;
    if ((p[-1] == '.' || p[-1] == ',') && p[-2] >= '0' && p[-2] <= '9')
        return false;
    return !((*end == '.' || *end == ',') && end[1] >= '0' && end[1] <= '9');
}

/* The word of the needle that this source has least often; false: one of them
 * it has not at all, or the needle has no word. */
static bool rarest(const struct look *k, struct ts_str needle,
                   const struct index_word **ret, size_t *ret_at)
{
    const struct index_word *best = NULL;
    struct canon_word w;
    size_t at = 0;

    while (canon_word_next(needle, &at, &w)) {
        const struct index_word *one = index_word_find(
            k->x, index_hash(k->x, INDEX_WORD, needle.ptr + w.at, w.len));

        if (one == NULL || one->count[k->source] == 0)
            return false;
        if (best != NULL && one->count[k->source] >= best->count[k->source])
            continue;
        best = one;
        *ret_at = w.at;
        if (one->count[k->source] == 1)
            break;
    }
    *ret = best;
    return best != NULL;
}

static void hit_part(struct look *k, size_t at, size_t len)
{
    const struct index_leaf *l = index_leaf_at(k->x, (uint32_t)at);

    if (!k->is_whole || (l->at == at && l->len == len))
        hit(k, l);
}

static void look_for_words(struct look *k, struct ts_str needle, bool number)
{
    const struct canon_edges edges = canon_edges_of(needle);
    const struct index_word *w;
    size_t offset;

    if (!rarest(k, needle, &w, &offset))
        return;
    for (uint32_t i = w->head[k->source]; i != INDEX_END;
         i = index_posts(k->x)[i].next) {
        size_t at = index_posts(k->x)[i].at;

        if (!spend(k, 32 + needle.len))
            return;
        /* every leaf is behind a NUL, and one ends the text */
        if (at - 1 < offset || at - offset + needle.len >= k->x->text.count)
            continue;
        if (stands_at(index_text(k->x), at - offset, needle, number) &&
            (k->said != NULL || /* what was said is repeated in parts, too */
             canon_edges_fit(&edges, index_text(k->x) + at - offset,
                             needle.len)))
            hit_part(k, at - offset, needle.len);
    }
}

/* Entries that stand for a whole leaf. */
static void look_for_leaf(struct look *k, uint64_t hash)
{
    const struct index_word *w = index_word_find(k->x, hash);

    if (w == NULL)
        return;
    for (uint32_t i = w->head[k->source]; i != INDEX_END;
         i = index_posts(k->x)[i].next) {
        if (!spend(k, 32))
            return;
        hit(k, &index_leaves(k->x)[index_posts(k->x)[i].at]);
    }
}

static bool has_words(struct ts_str canonical)
{
    struct canon_word w;
    size_t at = 0;

    return canon_word_next(canonical, &at, &w);
}

static void look_for_plain(struct look *k, struct ts_str canonical)
{
    struct iban_forms account;

    if (iban_forms(canonical, &account)) {
        look_for_words(k, account.forms[0], false);
        look_for_words(k, account.forms[1], false);
    } else if (has_words(canonical)) {
        look_for_words(k, canonical, false);
    } else {
        look_for_leaf(
            k, index_hash(k->x, INDEX_WHOLE, canonical.ptr, canonical.len));
    }
}

static void look_for_text(struct look *k, struct ts_str value,
                          struct ts_str canonical)
{
    struct canon_number n;
    char spelled[CANON_SPELLINGS][CANON_SPELLING_MAX];

    if (!canon_number(value, &n)) {
        look_for_plain(k, canonical);
        return;
    }
    look_for_leaf(k, index_hash_number(k->x, &n));
    look_for_words(k, canonical, true);
    for (uint32_t i = canon_number_spell(&n, spelled); i-- > 0;)
        if (!ts_str_eq_c(canonical, spelled[i]))
            look_for_words(k, ts_str_of(spelled[i]), true);
}

/* "id: 5", "ID is 5": the word "id", one to four others, the value. */
static bool follows_id(const char *text, size_t at)
{
    size_t i = at, others = 0;

    while (i > 0 && text[i - 1] != '\0' && !canon_is_alnum(text[i - 1]) &&
           others <= 4) {
        i--;
        others++;
    }
    return others >= 1 && others <= 4 && i >= 2 && text[i - 1] == 'd' &&
           text[i - 2] == 'i' && (i == 2 || !canon_is_alnum(text[i - 3]));
}

static void look_for_named_id(struct look *k, struct ts_str canonical)
{
    const struct index_word *w;
    size_t offset;

    if (!rarest(k, canonical, &w, &offset))
        return;
    for (uint32_t i = w->head[k->source]; i != INDEX_END;
         i = index_posts(k->x)[i].next) {
        size_t at = index_posts(k->x)[i].at;

        if (!spend(k, 32 + canonical.len))
            return;
        if (at - 1 < offset || at - offset + canonical.len >= k->x->text.count)
            continue;
        if (stands_at(index_text(k->x), at - offset, canonical, false) &&
            follows_id(index_text(k->x), at - offset))
            hit(k, index_leaf_at(k->x, (uint32_t)at));
    }
}

static void look(struct look *k, enum prov_kind kind, struct ts_str value,
                 struct ts_str canonical)
{
    if (kind != PROV_ID) {
        look_for_text(k, value, canonical);
        return;
    }
    look_for_leaf(k, index_hash(k->x, INDEX_ID, value.ptr, value.len));
    if (k->source == 0)
        look_for_named_id(k, canonical);
}

void prov_index_limit(struct prov_index *x, size_t work)
{
    x->work_left = work;
}

void prov_index_find(struct prov_index *x, enum prov_kind kind,
                     struct ts_str value, struct prov_found *ret)
{
    prov_index_find_but(x, kind, value, NULL, ret);
}

void prov_index_said(struct prov_index *x, enum prov_kind kind,
                     struct ts_str value, struct prov_said *said)
{
    struct ts_buf *buf = &x->scratch;
    struct prov_found none = {.source = PROV_UNKNOWN};
    struct look k = {.x = x,
                     .source = PROV_TRUSTED - PROV_PROMPT,
                     .work = PROV_LOOKUP_WORK,
                     .found = &none,
                     .said = said,
                     .is_whole = kind == PROV_ID};

    ts_buf_clear(buf);
    if (canon_text(value, buf) != TS_OK)
        said->all = true;
    else if (buf->len > 0)
        look_for_text(&k, value,
                      (struct ts_str){.ptr = (const char *)ts_buf_bytes(buf),
                                      .len = buf->len});
    said->all = said->all || none.more;
    index_scratch_done(x);
}

void prov_index_find_but(struct prov_index *x, enum prov_kind kind,
                         struct ts_str value, const struct prov_said *said,
                         struct prov_found *ret)
{
    struct ts_buf *buf = &x->scratch;
    struct ts_str canonical;

    *ret = (struct prov_found){.source = PROV_UNKNOWN};
    if (value.len == 0 || value.len > PROV_VALUE_MAX ||
        !ts_utf8_valid(value.ptr, value.len))
        return;
    ts_buf_clear(buf);
    if (canon_text(value, buf) == TS_OK && buf->len > 0) {
        canonical = (struct ts_str){.ptr = (const char *)ts_buf_bytes(buf),
                                    .len = buf->len};
        for (uint32_t s = 0; s < INDEX_SOURCES && ret->source == PROV_UNKNOWN;
             s++) {
            struct look k = {.x = x,
                             .source = s,
                             .work = PROV_LOOKUP_WORK,
                             .found = ret,
                             .but = said};

            look(&k, kind, value, canonical);
        }
    }
    index_scratch_done(x);
}
