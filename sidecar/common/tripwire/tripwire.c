/* Streams, and the tripwires that are looked for in them. */
#include "sidecar/common/tripwire/tripwire.h"

#include <string.h>

#include <sodium.h>

#include "proto/base/ts_mem.h"
#include "sidecar/common/tripwire/tripwire_priv.h"

#define STEP     4096u      /* bytes that are searched in one go, at least */
#define MAP      (1u << 16) /* of the upper half of a fingerprint, in bits */
#define CHAINS   256u       /* by its upper byte */
#define NO_WIRE  UINT16_MAX
#define IN_WHOLE 1u
#define IN_HEAD  2u

struct wire {
    uint64_t power; /* base to the length */
    uint32_t fingerprint;
    uint16_t len;
    uint16_t check;
    uint16_t next; /* of the chain, shorter or equal */
    uint8_t digest[TRIPWIRE_DIGEST];
};

struct tripwires {
    struct tripwire_hash hash;
    uint64_t map[MAP / 64];
    uint16_t first[CHAINS];
    uint8_t stop[256]; /* IN_WHOLE and IN_HEAD: not if any tripwire has it */
    size_t longest;
    size_t count;
    struct wire list[];
};

struct redactor {
    const struct tripwires *set;
    uint8_t *buf;   /* cap bytes; [start, end) are held */
    uint64_t *sums; /* cap + 1; those of [sum_from, sum_to] are good */
    size_t cap, start, end;
    size_t sum_from, sum_to;
    size_t stop_to;    /* stops are looked for up to here ... */
    size_t after_stop; /* ... and the last one is before this; 0: none */
    uint64_t hits;
};

/* ---- lists ------------------------------------------------------------- */

static uint32_t get_le(const uint8_t *p, size_t n)
{
    uint32_t v = 0;

    for (size_t i = 0; i < n; i++)
        v |= (uint32_t)p[i] << 8 * i;
    return v;
}

static uint64_t power_of(uint64_t base, uint32_t n)
{
    uint64_t p = 1;

    for (; n > 0; n >>= 1) {
        if ((n & 1) != 0)
            p = tripwire_mul(p, base);
        base = tripwire_mul(base, base);
    }
    return p;
}

static ts_err read_wire(struct tripwires *t, const uint8_t *e, struct wire *w)
{
    *w = (struct wire){.fingerprint = get_le(e, 4),
                       .len = (uint16_t)get_le(e + 4, 2),
                       .check = (uint16_t)get_le(e + 6, 2)};
    if (w->len < TRIPWIRE_WINDOW || w->len > TRIPWIRE_LEN_MAX ||
        w->check >= 1u << 12)
        return TS_E_FORMAT;
    memcpy(w->digest, e + 10, sizeof(w->digest));
    w->power = power_of(t->hash.base, w->len);
    for (size_t i = 0; i < sizeof(tripwire_stops); i++) {
        unsigned keep =
            (e[8] >> i & 1u) * IN_WHOLE | (e[9] >> i & 1u) * IN_HEAD;

        t->stop[tripwire_stops[i]] &= (uint8_t)keep;
    }
    if (w->len > t->longest)
        t->longest = w->len;
    return TS_OK;
}

/* Into its chain, where the longest come first. */
static void link_wire(struct tripwires *t, uint16_t i)
{
    struct wire *w = &t->list[i];
    uint32_t bit = w->fingerprint >> 16;
    uint16_t *at = &t->first[w->fingerprint >> 24];

    t->map[bit / 64] |= UINT64_C(1) << bit % 64;
    while (*at != NO_WIRE && t->list[*at].len > w->len)
        at = &t->list[*at].next;
    w->next = *at;
    *at = i;
}

ts_err tripwires_new(const uint8_t *bytes, size_t len, struct tripwires **ret)
{
    struct tripwires *t;
    size_t count;
    ts_err e = TS_OK;

    if (len < TRIPWIRE_KEY || len > TS_TRIPWIRES_MAX ||
        (len - TRIPWIRE_KEY) % TRIPWIRE_ENTRY != 0)
        return TS_E_FORMAT;
    count = (len - TRIPWIRE_KEY) / TRIPWIRE_ENTRY;
    t = ts_mem_alloc(sizeof(*t) + count * sizeof(t->list[0]));
    if (t == NULL)
        return TS_E_NOMEM;
    tripwire_hash_derive(bytes, &t->hash);
    for (size_t i = 0; i < CHAINS; i++)
        t->first[i] = NO_WIRE;
    for (size_t i = 0; i < sizeof(tripwire_stops); i++)
        t->stop[tripwire_stops[i]] = IN_WHOLE | IN_HEAD;
    t->longest = TRIPWIRE_WINDOW;
    t->count = count;
    for (size_t i = 0; i < count && e == TS_OK; i++) {
        e = read_wire(t, bytes + TRIPWIRE_KEY + i * TRIPWIRE_ENTRY,
                      &t->list[i]);
        if (e == TS_OK)
            link_wire(t, (uint16_t)i);
    }
    if (e != TS_OK)
        tripwires_free(t);
    else
        *ret = t;
    return e;
}

void tripwires_free(struct tripwires *t)
{
    if (t == NULL)
        return;
    sodium_memzero(t, sizeof(*t) + t->count * sizeof(t->list[0]));
    ts_mem_free(t);
}

/* ---- streams ----------------------------------------------------------- */

ts_err redactor_new(const struct tripwires *set, struct redactor **ret)
{
    size_t cap = 2 * set->longest + STEP;
    struct redactor *r = ts_mem_alloc(sizeof(*r));

    if (r == NULL)
        return TS_E_NOMEM;
    *r = (struct redactor){.set = set, .cap = cap};
    r->buf = ts_mem_alloc(cap);
    r->sums = ts_mem_alloc((cap + 1) * sizeof(*r->sums));
    if (r->buf == NULL || r->sums == NULL) {
        redactor_free(r);
        return TS_E_NOMEM;
    }
    *ret = r;
    return TS_OK;
}

void redactor_free(struct redactor *r)
{
    if (r == NULL)
        return;
    if (r->buf != NULL)
        sodium_memzero(r->buf, r->cap);
    if (r->sums != NULL)
        sodium_memzero(r->sums, (r->cap + 1) * sizeof(*r->sums));
    ts_mem_free(r->buf);
    ts_mem_free(r->sums);
    ts_mem_free(r);
}

uint64_t redactor_hits(const struct redactor *r)
{
    return r->hits;
}

/* A match of eight bytes becomes a mark of ten. */
size_t redactor_room(const struct redactor *r, size_t len)
{
    _Static_assert(sizeof(TRIPWIRE_MARK) - 1 <= TRIPWIRE_SECRET_MIN * 5 / 4,
                   "a mark is at most a quarter longer than what it replaces");
    size_t n = len + (r->end - r->start);

    return n + n / 4 + 1;
}

static unsigned on_map(const struct tripwires *t, const uint8_t *p)
{
    uint32_t bit = tripwire_fingerprint(&t->hash, p) >> 16;

    return (unsigned)(t->map[bit / 64] >> bit % 64) & 1u;
}

/* The first place from `at` whose eight bytes are on the map, or end. */
static size_t next_on_map(const struct tripwires *t, const uint8_t *p,
                          size_t at, size_t end)
{
    while (at + 4 <= end) {
        if ((on_map(t, p + at) | on_map(t, p + at + 1) | on_map(t, p + at + 2) |
             on_map(t, p + at + 3)) != 0)
            break;
        at += 4;
    }
    while (at < end && on_map(t, p + at) == 0)
        at++;
    return at;
}

/* Of what lies in [from, from + w->len). Each byte is summed once, unless the
 * search has gone far beyond it since. */
static bool sum_fits(struct redactor *r, size_t from, const struct wire *w)
{
    const struct tripwire_hash *h = &r->set->hash;
    size_t to = from + w->len;
    uint64_t sum;

    if (from < r->sum_from || from > r->sum_to) {
        r->sum_from = r->sum_to = from;
        r->sums[from] = 0;
    }
    for (; r->sum_to < to; r->sum_to++)
        r->sums[r->sum_to + 1] =
            tripwire_sum(h, r->sums[r->sum_to], r->buf[r->sum_to]);
    sum = r->sums[to] + TRIPWIRE_PRIME - tripwire_mul(r->sums[from], w->power);
    if (sum >= TRIPWIRE_PRIME)
        sum -= TRIPWIRE_PRIME;
    return tripwire_check(h, sum) == w->check;
}

enum found {
    FOUND_NOTHING = 0,
    FOUND_PERHAPS, /* more bytes decide */
    FOUND_MATCH
};

/* A match that begins here and goes on behind the end would hold a byte that
 * none holds. Each byte is looked at once. */
static bool is_stopped(struct redactor *r, size_t at)
{
    if (r->stop_to < at)
        r->stop_to = at;
    for (; r->stop_to < r->end; r->stop_to++) {
        if ((r->set->stop[r->buf[r->stop_to]] & IN_WHOLE) != 0)
            r->after_stop = r->stop_to + 1;
    }
    return r->after_stop > at;
}

/* The longest at this place. The digest is computed for matches, and for one
 * in 4096 of what merely begins like one. */
static enum found look_at(struct redactor *r, size_t at, bool is_last,
                          size_t *ret_len)
{
    const struct tripwires *t = r->set;
    uint32_t f = tripwire_fingerprint(&t->hash, r->buf + at);
    uint8_t digest[TRIPWIRE_DIGEST];

    for (uint16_t i = t->first[f >> 24]; i != NO_WIRE; i = t->list[i].next) {
        const struct wire *w = &t->list[i];

        if (w->fingerprint != f)
            continue;
        if (w->len > r->end - at) {
            if (!is_last && !is_stopped(r, at))
                return FOUND_PERHAPS;
            continue;
        }
        if (!sum_fits(r, at, w))
            continue;
        tripwire_digest(&t->hash, r->buf + at, w->len, digest);
        if (sodium_memcmp(digest, w->digest, sizeof(digest)) == 0) {
            *ret_len = w->len;
            return FOUND_MATCH;
        }
    }
    return FOUND_NOTHING;
}

static ts_err give(struct redactor *r, size_t to, struct ts_buf *out)
{
    size_t n = to - r->start;
    ts_err e = n > 0 ? ts_buf_append(out, r->buf + r->start, n) : TS_OK;

    r->start = to;
    return e;
}

/* Fewer than eight bytes are left, and may begin a match; not if they hold one
 * that no beginning has. */
static size_t tail_from(const struct redactor *r, size_t at)
{
    size_t from =
        r->end - at < TRIPWIRE_WINDOW ? at : r->end - (TRIPWIRE_WINDOW - 1);

    for (size_t i = r->end; i > from; i--) {
        if ((r->set->stop[r->buf[i - 1]] & IN_HEAD) != 0)
            return i;
    }
    return from;
}

static ts_err search(struct redactor *r, bool is_last, struct ts_buf *out)
{
    size_t at = r->start, len = 0;
    ts_err e;

    while (r->end - at >= TRIPWIRE_WINDOW) {
        size_t end = r->end - (TRIPWIRE_WINDOW - 1);
        enum found f;

        at = next_on_map(r->set, r->buf, at, end);
        if (at == end)
            break;
        f = look_at(r, at, is_last, &len);
        if (f == FOUND_PERHAPS)
            return give(r, at, out);
        if (f == FOUND_NOTHING) {
            at++;
            continue;
        }
        if ((e = give(r, at, out)) != TS_OK ||
            (e = ts_buf_append(out, TRIPWIRE_MARK,
                               sizeof(TRIPWIRE_MARK) - 1)) != TS_OK)
            return e;
        r->hits++;
        at += len;
        r->start = at;
    }
    return give(r, is_last ? r->end : tail_from(r, at), out);
}

/* Moves what is held to the front. At most `longest` bytes are, and at least
 * as many and STEP went by since the last time. */
static void make_room(struct redactor *r)
{
    size_t n = r->end - r->start;

    if (n > 0)
        memmove(r->buf, r->buf + r->start, n);
    if (r->sum_from <= r->start && r->start < r->sum_to) {
        memmove(r->sums, r->sums + r->start,
                (r->sum_to - r->start + 1) * sizeof(*r->sums));
        r->sum_to -= r->start;
    } else {
        r->sum_to = 0;
        r->sums[0] = 0;
    }
    r->sum_from = 0;
    r->stop_to = r->stop_to > r->start ? r->stop_to - r->start : 0;
    r->after_stop = r->after_stop > r->start ? r->after_stop - r->start : 0;
    r->start = 0;
    r->end = n;
}

ts_err redactor_feed(struct redactor *r, const uint8_t *bytes, size_t len,
                     struct ts_buf *out)
{
    ts_err e = TS_OK;

    while (len > 0 && e == TS_OK) {
        size_t n;

        if (r->end == r->cap)
            make_room(r);
        n = r->cap - r->end < len ? r->cap - r->end : len;
        memcpy(r->buf + r->end, bytes, n);
        r->end += n;
        bytes += n;
        len -= n;
        e = search(r, false, out);
    }
    if (e != TS_OK)
        r->start = r->end;
    return e;
}

ts_err redactor_finish(struct redactor *r, struct ts_buf *out)
{
    ts_err e = search(r, true, out);

    r->start = r->end;
    return e;
}
