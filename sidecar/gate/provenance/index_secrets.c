/* Does a text carry something secret that the task has seen? Once over the
 * text, then over the secret leaves, of which few share all words with it. */
#include <string.h>

#include "sidecar/gate/provenance/index_priv.h"

#define BLOOM_BITS   65536u
#define LEAF_WORK    4u         /* of PROV_CALL_WORK, for each leaf */
#define SECRETS_WORK (4u << 20) /* bytes looked at before it is too much */

struct bloom {
    uint8_t bits[BLOOM_BITS / 8];
};

static void bloom_add(struct bloom *b, uint64_t h)
{
    uint32_t i = (uint32_t)h % BLOOM_BITS, k = (uint32_t)(h >> 32) % BLOOM_BITS;

    b->bits[i / 8] |= (uint8_t)(1u << i % 8);
    b->bits[k / 8] |= (uint8_t)(1u << k % 8);
}

static bool bloom_has(const struct bloom *b, uint64_t h)
{
    uint32_t i = (uint32_t)h % BLOOM_BITS, k = (uint32_t)(h >> 32) % BLOOM_BITS;

    return (b->bits[i / 8] >> i % 8 & 1) != 0 &&
           (b->bits[k / 8] >> k % 8 & 1) != 0;
}

static void fill(const struct prov_index *x, struct ts_str text,
                 struct bloom *b)
{
    struct canon_word w;
    size_t at = 0;

    *b = (struct bloom){0};
    while (canon_word_next(text, &at, &w))
        bloom_add(b, index_hash(x, INDEX_WORD, text.ptr + w.at, w.len));
}

static bool may_stand(const struct prov_index *x, struct ts_str secret,
                      const struct bloom *b)
{
    struct canon_word w;
    size_t at = 0;

    while (canon_word_next(secret, &at, &w))
        if (!bloom_has(b, index_hash(x, INDEX_WORD, secret.ptr + w.at, w.len)))
            return false;
    return true;
}

/* Between bytes that are not [a-z0-9]. */
static bool stands_in(struct ts_str secret, struct ts_str text)
{
    const char *end = text.ptr + text.len, *p = text.ptr;

    while ((p = memmem(p, (size_t)(end - p), secret.ptr, secret.len)) != NULL) {
        const char *after = p + secret.len;

        if ((p == text.ptr || !canon_is_alnum(p[-1])) &&
            (after == end || !canon_is_alnum(*after)))
            return true;
        p++;
    }
    return false;
}

static uint32_t count(struct prov_index *x, struct ts_str text)
{
    const struct index_leaf *l = index_leaves(x);
    size_t work = SECRETS_WORK;
    struct prov_found found;
    struct bloom bloom;
    uint32_t n = 0;

    fill(x, text, &bloom);
    for (uint32_t i = 0; i < x->leaves.count; i++) {
        struct ts_str secret = {.ptr = index_text(x) + l[i].at,
                                .len = l[i].len};

        if (l[i].label.level != PROV_SECRET || secret.len < PROV_SECRET_MIN ||
            l[i].label.source == PROV_PROMPT)
            continue;
        if (work < secret.len)
            return n + 1; /* cannot tell any more */
        work -= secret.len;
        if (secret.len > text.len || !may_stand(x, secret, &bloom))
            continue;
        if (work < text.len)
            return n + 1;
        work -= text.len;
        if (!stands_in(secret, text))
            continue;
        prov_index_find(x, PROV_TEXT, secret, &found);
        n += found.source != PROV_PROMPT; /* what the user said is not hidden */
    }
    return n;
}

uint32_t prov_index_secrets_in(struct prov_index *x, struct ts_str text)
{
    struct ts_buf buf;
    uint32_t n = 0;

    if (x->secrets == 0 || text.len == 0)
        return 0;
    if (text.len > PROV_VALUE_MAX || x->work_left / LEAF_WORK < x->leaves.count)
        return 1;
    x->work_left -= (size_t)x->leaves.count * LEAF_WORK;
    ts_buf_init(&buf, PROV_VALUE_MAX);
    if (canon_text(text, &buf) != TS_OK)
        n = 1;
    else
        n = count(x, (struct ts_str){.ptr = (const char *)ts_buf_bytes(&buf),
                                     .len = buf.len});
    ts_buf_done(&buf);
    return n;
}
