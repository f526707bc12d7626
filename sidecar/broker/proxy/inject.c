#include "sidecar/broker/proxy/inject.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

struct stored {
    const struct manifest *manifest;
    const struct manifest_secret *secret;
    uint8_t *value; /* owned, of sodium_malloc() */
    size_t len;
};
struct inject_store {
    size_t count;
    struct stored list[];
};

struct piece {
    const struct manifest_secret *secret;
    const uint8_t *value; /* borrowed of the store, or own_token */
    size_t len;
};
struct inject {
    struct piece pieces[MANIFEST_SECRETS_MAX];
    uint32_t count;
    uint8_t *own_token; /* owned, of sodium_malloc() */
    struct tripwires *tripwires;
};

static bool is_ours(const struct manifest_secret *s)
{
    return s->delivery == SECRET_HEADER;
}

/* RFC 9110 section 5.5, without obs-text and tabs. */
static bool value_ok(const uint8_t *v, size_t len)
{
    if (len < MANIFEST_SECRET_MIN || len > MANIFEST_SECRET_MAX || v[0] == ' ' ||
        v[len - 1] == ' ')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (v[i] < 0x20 || v[i] > 0x7e)
            return false;
    }
    return true;
}

static void say(char *out, size_t cap, const struct manifest *m,
                const struct manifest_secret *s, const char *what)
{
    (void)snprintf(out, cap, "%.*s: secret %.*s: %s", (int)m->file.len,
                   m->file.ptr, (int)s->name.len, s->name.ptr, what);
}

static ts_err load_one(struct stored *to, inject_read read, void *ctx,
                       char *reterr_text, size_t reterr_cap)
{
    size_t cap = MANIFEST_SECRET_MAX + 2, len = 0; /* newline, and too long */
    uint8_t *buf = sodium_malloc(cap);
    ts_err e;

    if (buf == NULL)
        return TS_E_NOMEM;
    e = read(ctx, to->secret, buf, cap, &len);
    if (e != TS_OK) {
        say(reterr_text, reterr_cap, to->manifest, to->secret,
            "its source cannot be read");
        goto out;
    }
    TS_REQUIRE(len <= cap);
    if (len > 0 && buf[len - 1] == '\n')
        len--;
    if (!value_ok(buf, len)) {
        say(reterr_text, reterr_cap, to->manifest, to->secret,
            "a value for a header is 8 to 4096 bytes of visible ASCII");
        e = TS_E_INVALID;
        goto out;
    }
    to->value = sodium_malloc(len);
    if (to->value == NULL) {
        e = TS_E_NOMEM;
        goto out;
    }
    memcpy(to->value, buf, len);
    to->len = len;
    (void)sodium_mprotect_readonly(to->value); /* a second fence only */
out:
    sodium_free(buf);
    return e;
}

static size_t count_stored(const struct manifests *m)
{
    size_t n = 0;

    for (uint32_t i = 0; i < m->count; i++) {
        for (uint32_t k = 0; k < m->list[i].secret_count; k++) {
            const struct manifest_secret *s = &m->list[i].secrets[k];

            n += is_ours(s) && s->source != SECRET_IDENTITY_TOKEN;
        }
    }
    return n;
}

/* One more of the list, unless it is refused and that is tolerated. */
static ts_err load_next(struct inject_store *st, struct stored *to,
                        bool tolerant, inject_read read, void *ctx, char *text,
                        size_t cap)
{
    char why[256] = "";
    ts_err e = load_one(to, read, ctx, why, sizeof(why));

    if (why[0] != '\0' && text[0] == '\0')
        (void)snprintf(text, cap, "%s", why);
    if (e == TS_OK)
        st->list[st->count++] = *to;
    return e == TS_E_NOMEM || !tolerant ? e : TS_OK;
}

ts_err inject_load(const struct manifests *m, bool tolerant, inject_read read,
                   void *ctx, struct inject_store **ret, char *reterr_text,
                   size_t reterr_cap)
{
    size_t want = count_stored(m);
    struct inject_store *st;
    ts_err e;

    st = ts_mem_alloc(sizeof(*st) + want * sizeof(st->list[0]));
    if (st == NULL)
        return TS_E_NOMEM;
    reterr_text[0] = '\0';
    for (uint32_t i = 0; i < m->count; i++) {
        for (uint32_t k = 0; k < m->list[i].secret_count; k++) {
            struct stored to = {.manifest = &m->list[i],
                                .secret = &m->list[i].secrets[k]};

            if (!is_ours(to.secret) ||
                to.secret->source == SECRET_IDENTITY_TOKEN)
                continue;
            e = load_next(st, &to, tolerant, read, ctx, reterr_text,
                          reterr_cap);
            if (e != TS_OK) {
                inject_store_free(st);
                return e;
            }
        }
    }
    *ret = st;
    return TS_OK;
}

void inject_store_free(struct inject_store *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        sodium_free(s->list[i].value);
    ts_mem_free(s);
}

struct ts_bytes inject_stored(const struct inject_store *s,
                              const struct manifest_secret *like)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct manifest_secret *m = s->list[i].secret;

        if (m->source == like->source && ts_str_eq(m->from, like->from))
            return (struct ts_bytes){s->list[i].value, s->list[i].len};
    }
    return (struct ts_bytes){0};
}

static const struct stored *find_stored(const struct inject_store *s,
                                        const struct manifest_secret *secret)
{
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        if (s->list[i].secret == secret)
            return &s->list[i];
    }
    return NULL;
}

static ts_err take_token(struct inject *in, const char *token, size_t len)
{
    if (!value_ok((const uint8_t *)token, len))
        return TS_E_NOT_FOUND;
    if (in->own_token == NULL) {
        in->own_token = sodium_malloc(len);
        if (in->own_token == NULL)
            return TS_E_NOMEM;
        memcpy(in->own_token, token, len);
    }
    return TS_OK;
}

static ts_err take_pieces(struct inject *in, const struct inject_store *s,
                          const struct manifest *m, const char *token,
                          size_t token_len)
{
    for (uint32_t i = 0; i < m->secret_count; i++) {
        const struct manifest_secret *secret = &m->secrets[i];
        struct piece *p = &in->pieces[in->count];
        const struct stored *st;
        ts_err e;

        if (!is_ours(secret))
            continue;
        TS_REQUIRE(in->count < MANIFEST_SECRETS_MAX);
        if (secret->source == SECRET_IDENTITY_TOKEN) {
            if ((e = take_token(in, token, token_len)) != TS_OK)
                return e;
            *p = (struct piece){secret, in->own_token, token_len};
        } else {
            if ((st = find_stored(s, secret)) == NULL)
                return TS_E_NOT_FOUND;
            *p = (struct piece){secret, st->value, st->len};
        }
        in->count++;
    }
    return TS_OK;
}

static ts_err make_tripwires(struct inject *in)
{
    struct ts_buf list;
    ts_err e;

    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    e = tripwires_begin(&list);
    for (uint32_t i = 0; i < in->count && e == TS_OK; i++)
        e = tripwires_add(&list, in->pieces[i].value, in->pieces[i].len);
    if (e == TS_OK)
        e = tripwires_new(ts_buf_bytes(&list), list.len, &in->tripwires);
    ts_buf_done(&list);
    return e;
}

ts_err inject_new(const struct inject_store *s, const struct manifest *m,
                  const char *token, size_t token_len, struct inject **ret)
{
    struct inject *in = ts_mem_alloc(sizeof(*in));
    ts_err e;

    if (in == NULL)
        return TS_E_NOMEM;
    e = take_pieces(in, s, m, token, token_len);
    if (e == TS_OK && in->count > 0)
        e = make_tripwires(in);
    if (e != TS_OK || in->count == 0) {
        inject_free(in);
        in = NULL;
    }
    if (e == TS_OK)
        *ret = in;
    return e;
}

void inject_free(struct inject *i)
{
    if (i == NULL)
        return;
    tripwires_free(i->tripwires);
    sodium_free(i->own_token);
    ts_mem_free(i);
}

/* "hosts:" repeats entries of network.allow as they are written there. */
static bool piece_is_for(const struct piece *p,
                         const struct manifest_host *rule)
{
    for (uint32_t i = 0; i < p->secret->host_count; i++) {
        if (ts_str_eq(p->secret->hosts[i], rule->host))
            return true;
    }
    return false;
}

bool inject_applies(const struct inject *i, const struct manifest_host *rule)
{
    for (uint32_t k = 0; i != NULL && k < i->count; k++) {
        if (piece_is_for(&i->pieces[k], rule))
            return true;
    }
    return false;
}

bool inject_replaces(const struct inject *i, const struct manifest_host *rule,
                     struct ts_str field)
{
    for (uint32_t k = 0; i != NULL && k < i->count; k++) {
        const struct manifest_secret *s = i->pieces[k].secret;

        if (piece_is_for(&i->pieces[k], rule) && s->header.len == field.len &&
            strncasecmp(s->header.ptr, field.ptr, field.len) == 0)
            return true;
    }
    return false;
}

size_t inject_room(const struct inject *i, const struct manifest_host *rule)
{
    size_t n = 0;

    for (uint32_t k = 0; i != NULL && k < i->count; k++) {
        const struct piece *p = &i->pieces[k];

        if (piece_is_for(p, rule))
            n += p->secret->header.len + p->secret->prefix.len + p->len + 4;
    }
    return n;
}

static size_t put(uint8_t *out, const void *p, size_t n)
{
    memcpy(out, p, n);
    return n;
}

size_t inject_write(const struct inject *i, const struct manifest_host *rule,
                    uint8_t *out, size_t cap)
{
    size_t n = 0;

    TS_REQUIRE(inject_room(i, rule) <= cap);
    for (uint32_t k = 0; i != NULL && k < i->count; k++) {
        const struct piece *p = &i->pieces[k];

        if (!piece_is_for(p, rule))
            continue;
        n += put(out + n, p->secret->header.ptr, p->secret->header.len);
        n += put(out + n, ": ", 2);
        n += put(out + n, p->secret->prefix.ptr, p->secret->prefix.len);
        n += put(out + n, p->value, p->len);
        n += put(out + n, "\r\n", 2);
    }
    return n;
}

const struct tripwires *inject_tripwires(const struct inject *i)
{
    return i->tripwires;
}
