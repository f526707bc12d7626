/* Leaves into the index: one pass, all or nothing for each leaf. */
#include "sidecar/gate/provenance/index.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/index_priv.h"

#define FIRST_CAP 64u

ts_err prov_index_new(size_t max_bytes, struct prov_index **ret)
{
    struct prov_index *x = ts_mem_alloc(sizeof(*x));

    if (x == NULL)
        return TS_E_NOMEM;
    randombytes_buf(x->key, sizeof(x->key));
    x->max_bytes = max_bytes;
    x->work_left = SIZE_MAX;
    ts_buf_init(&x->scratch, PROV_VALUE_MAX);
    *ret = x;
    return TS_OK;
}

void prov_index_free(struct prov_index *x)
{
    if (x == NULL)
        return;
    ts_mem_free(x->text.p);
    ts_mem_free(x->leaves.p);
    ts_mem_free(x->posts.p);
    ts_mem_free(x->words);
    ts_buf_done(&x->scratch);
    ts_mem_free(x);
}

void index_scratch_done(struct prov_index *x)
{
    if (x->scratch.cap > INDEX_SCRATCH_KEPT) {
        ts_buf_done(&x->scratch);
        ts_buf_init(&x->scratch, PROV_VALUE_MAX);
    }
}

uint64_t index_hash(const struct prov_index *x, enum index_entry kind,
                    const void *p, size_t len)
{
    uint8_t key[crypto_shorthash_KEYBYTES], out[crypto_shorthash_BYTES];
    uint64_t h;

    memcpy(key, x->key, sizeof(key));
    key[0] ^= (uint8_t)kind;
    (void)crypto_shorthash(out, p, len, key); /* cannot fail */
    memcpy(&h, out, sizeof(h));
    return h == 0 ? 1 : h; /* 0 marks a free place */
}

uint64_t index_hash_number(const struct prov_index *x,
                           const struct canon_number *n)
{
    uint8_t b[sizeof(n->digits) + 8] = {n->negative, n->count};
    size_t len = 2;

    for (int shift = 0; shift < 32; shift += 8)
        b[len++] = (uint8_t)((uint32_t)n->exponent >> shift);
    memcpy(b + len, n->digits, n->count);
    return index_hash(x, INDEX_NUMBER, b, len + n->count);
}

/* Memory for n more in g. What was there stays where an error leaves it. */
static ts_err grow(struct prov_index *x, struct grown *g, size_t size,
                   uint64_t n)
{
    uint64_t cap = g->cap == 0 ? FIRST_CAP : g->cap;
    size_t more;
    void *p;

    if (n <= g->cap - g->count)
        return TS_OK;
    while (cap - g->count < n)
        cap *= 2;
    if (cap > UINT32_MAX / 2)
        return TS_E_LIMIT;
    more = (size_t)(cap - g->cap) * size;
    if (more > x->max_bytes - x->bytes)
        return TS_E_LIMIT;
    p = ts_mem_alloc((size_t)cap * size);
    if (p == NULL)
        return TS_E_NOMEM;
    if (g->count > 0)
        memcpy(p, g->p, (size_t)g->count * size);
    ts_mem_free(g->p);
    g->p = p;
    g->cap = (uint32_t)cap;
    x->bytes += more;
    return TS_OK;
}

static struct index_word *slot(struct index_word *words, uint32_t cap,
                               uint64_t hash)
{
    uint32_t i = (uint32_t)hash & (cap - 1);

    while (words[i].hash != 0 && words[i].hash != hash)
        i = (i + 1) & (cap - 1);
    return &words[i];
}

const struct index_word *index_word_find(const struct prov_index *x,
                                         uint64_t hash)
{
    const struct index_word *w;

    if (x->word_cap == 0)
        return NULL;
    w = slot(x->words, x->word_cap, hash);
    return w->hash == 0 ? NULL : w;
}

/* Room for n more words with a third of the table free. */
static ts_err grow_words(struct prov_index *x, uint64_t n)
{
    uint64_t cap = x->word_cap == 0 ? FIRST_CAP : x->word_cap;
    struct index_word *words;
    size_t more;

    while ((x->word_count + n) * 3 > cap * 2)
        cap *= 2;
    if (cap == x->word_cap)
        return TS_OK;
    if (cap > UINT32_MAX / 2)
        return TS_E_LIMIT;
    more = (size_t)(cap - x->word_cap) * sizeof(*words);
    if (more > x->max_bytes - x->bytes)
        return TS_E_LIMIT;
    words = ts_mem_alloc((size_t)cap * sizeof(*words));
    if (words == NULL)
        return TS_E_NOMEM;
    for (uint32_t i = 0; i < x->word_cap; i++)
        if (x->words[i].hash != 0)
            *slot(words, (uint32_t)cap, x->words[i].hash) = x->words[i];
    ts_mem_free(x->words);
    x->words = words;
    x->word_cap = (uint32_t)cap;
    x->bytes += more;
    return TS_OK;
}

/* What comes after reserve(): nothing of it can fail. */
static void post(struct prov_index *x, uint64_t hash, enum prov_source source,
                 uint32_t at)
{
    struct index_word *w = slot(x->words, x->word_cap, hash);
    uint32_t s = (uint32_t)source - PROV_PROMPT;
    struct index_post *posts = x->posts.p;

    if (w->hash == 0) {
        w->hash = hash;
        for (uint32_t i = 0; i < INDEX_SOURCES; i++)
            w->head[i] = INDEX_END;
        x->word_count++;
    }
    posts[x->posts.count] = (struct index_post){.at = at, .next = w->head[s]};
    w->head[s] = x->posts.count++;
    w->count[s]++;
}

static uint64_t count_words(struct ts_str canonical)
{
    struct canon_word w;
    uint64_t n = 0;
    size_t at = 0;

    while (canon_word_next(canonical, &at, &w))
        n++;
    return n;
}

/* Each leaf has its words, and perhaps itself, its number and its id. */
static ts_err reserve(struct prov_index *x, struct ts_str canonical)
{
    uint64_t entries = count_words(canonical) + 3;
    ts_err e;

    if ((e = grow(x, &x->text, 1, canonical.len + 2)) != TS_OK ||
        (e = grow(x, &x->leaves, sizeof(struct index_leaf), 1)) != TS_OK ||
        (e = grow(x, &x->posts, sizeof(struct index_post), entries)) != TS_OK)
        return e;
    return grow_words(x, entries);
}

static void post_words(struct prov_index *x, struct ts_str canonical,
                       uint32_t from, enum prov_source source)
{
    struct canon_word w;
    size_t at = 0;
    bool any = false;

    while (canon_word_next(canonical, &at, &w)) {
        any = true;
        post(x, index_hash(x, INDEX_WORD, canonical.ptr + w.at, w.len), source,
             from + (uint32_t)w.at);
    }
    if (!any)
        post(x, index_hash(x, INDEX_WHOLE, canonical.ptr, canonical.len),
             source, x->leaves.count);
}

static void append(struct prov_index *x, enum prov_kind kind,
                   struct ts_str text, struct ts_str canonical,
                   struct index_leaf leaf)
{
    char *out = (char *)x->text.p + x->text.count;
    enum prov_source source = leaf.label.source;
    struct canon_number n;

    *out++ = '\0';
    memcpy(out, canonical.ptr, canonical.len);
    out[canonical.len] = '\0';
    leaf.at = x->text.count + 1;
    leaf.len = (uint32_t)canonical.len;
    if (kind == PROV_NUMBER && canon_number(text, &n))
        post(x, index_hash_number(x, &n), source, x->leaves.count);
    else
        post_words(x, canonical, leaf.at, source);
    if (leaf.label.is_id)
        post(x, index_hash(x, INDEX_ID, text.ptr, text.len), source,
             x->leaves.count);
    if (leaf.label.level == PROV_SECRET && leaf.len >= PROV_SECRET_MIN)
        x->secrets++;
    ((struct index_leaf *)x->leaves.p)[x->leaves.count++] = leaf;
    x->text.count += (uint32_t)canonical.len + 2;
}

ts_err prov_index_add(struct prov_index *x, enum prov_kind kind,
                      struct ts_str text, const struct prov_label *label,
                      uint32_t call, uint32_t place)
{
    struct index_leaf leaf = {.call = call, .place = place, .label = *label};
    struct ts_str canonical;
    struct ts_buf buf;
    ts_err e;

    TS_REQUIRE(label->source >= PROV_PROMPT && label->source <= PROV_UNTRUSTED);
    ts_buf_init(&buf, x->max_bytes);
    e = ts_utf8_valid(text.ptr, text.len) ? canon_text(text, &buf)
                                          : TS_E_FORMAT;
    canonical = (struct ts_str){.ptr = (const char *)ts_buf_bytes(&buf),
                                .len = buf.len};
    if (e == TS_OK && canonical.len > 0) {
        e = reserve(x, canonical);
        if (e == TS_OK)
            append(x, kind, text, canonical, leaf);
    }
    ts_buf_done(&buf);
    if (e != TS_OK)
        x->lost++;
    return e;
}

uint64_t prov_index_lost(const struct prov_index *x)
{
    return x->lost;
}

size_t prov_index_bytes(const struct prov_index *x)
{
    return x->bytes;
}
