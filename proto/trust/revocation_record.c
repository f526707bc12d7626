/* Signed orders to revoke: what they may say, and who may say it. */
#include "proto/trust/revocation_record.h"

#include <string.h>

#include "proto/trust/id.h"
#include "proto/trust/revocation_person.h"
#include "proto/trust/signed_priv.h"
#include "proto/trust/smp.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_write.h"

#define RECORD_VERSION 1
#define RECORD_FIELDS  8
#define KEEP_MARGIN_S                                                          \
    60 /* after the last second that anything can be valid                     \
        */

static uint64_t add_capped(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t last_use(uint64_t issued)
{
    return add_capped(issued, TS_TTL_HARD_S + KEEP_MARGIN_S);
}

uint64_t revocation_keep_until(enum revocation_kind kind, uint64_t cutoff,
                               uint64_t now)
{
    if (revocation_by_id(kind))
        return last_use(now);
    if (kind == REVOCATION_TASK)
        return last_use(cutoff > now ? cutoff : now);
    return UINT64_MAX;
}

static bool target_is_id(const struct revocation_record *r)
{
    return trust_id_valid((struct ts_str){.ptr = (const char *)r->target.ptr,
                                          .len = r->target.len});
}

/* What must hold on both ways. */
static enum trust_code check(const struct revocation_record *r)
{
    if (!trust_id_valid(r->tenant))
        return TRUST_E_ID;
    if (!revocation_target_fits(r->kind, r->target.len))
        return TRUST_E_FORMAT;
    if (revocation_target_is_text(r->kind) && r->kind != REVOCATION_TENANT &&
        !target_is_id(r))
        return TRUST_E_ID;
    if (revocation_by_id(r->kind))
        return r->cutoff == 0 ? TRUST_OK : TRUST_E_FORMAT;
    /* forgotten before what it revokes has expired, it would revive that */
    return r->keep_until >= last_use(r->cutoff) ? TRUST_OK : TRUST_E_TIME;
}

static struct ts_bytes read_target(struct smp *s, enum revocation_kind kind)
{
    struct ts_str text;

    if (!revocation_target_is_text(kind))
        return smp_bin(s, TRUST_HASH_LEN);
    text = smp_str(s, TS_ID_MAX);
    return (struct ts_bytes){.ptr = (const uint8_t *)text.ptr, .len = text.len};
}

enum trust_code revocation_record_decode(struct ts_bytes body,
                                         struct revocation_record *ret)
{
    struct revocation_record r;
    enum trust_code c;
    uint64_t kind;
    struct smp s;

    smp_init(&s, body);
    if ((c = smp_begin(&s, RECORD_FIELDS, RECORD_VERSION)) != TRUST_OK)
        return c;
    r.tenant = smp_str(&s, TS_ID_MAX);
    kind = smp_uint(&s);
    if ((c = smp_error(&s)) != TRUST_OK)
        return c;
    if (kind == REVOCATION_NONE || kind >= REVOCATION_KIND_COUNT)
        return TRUST_E_TYPE;
    r.kind = (enum revocation_kind)kind;
    r.target = read_target(&s, r.kind);
    r.cutoff = smp_uint(&s);
    r.keep_until = smp_uint(&s);
    r.reason = smp_str(&s, TS_REASON_MAX);
    smp_bin_exact(&s, r.nonce, sizeof(r.nonce));
    if ((c = smp_done(&s)) != TRUST_OK || (c = check(&r)) != TRUST_OK)
        return c;
    *ret = r;
    return TRUST_OK;
}

static void write_body(struct mp_writer *w, const struct revocation_record *r)
{
    mp_write_array(w, RECORD_FIELDS);
    mp_write_uint(w, RECORD_VERSION);
    mp_write_str(w, r->tenant.ptr, r->tenant.len);
    mp_write_uint(w, (uint64_t)r->kind);
    if (revocation_target_is_text(r->kind))
        mp_write_str(w, (const char *)r->target.ptr, r->target.len);
    else
        mp_write_bin(w, r->target.ptr, r->target.len);
    mp_write_uint(w, r->cutoff);
    mp_write_uint(w, r->keep_until);
    mp_write_str(w, r->reason.ptr, r->reason.len);
    mp_write_bin(w, r->nonce, sizeof(r->nonce));
}

static ts_err encode(const struct revocation_record *r,
                     uint8_t buf[SIGNED_REVOCATION_MAX], size_t *ret_len)
{
    struct mp_writer w;

    if (check(r) != TRUST_OK || r->reason.len > TS_REASON_MAX ||
        !ts_utf8_valid(r->reason.ptr, r->reason.len))
        return TS_E_INVALID;
    mp_writer_init(&w, buf, SIGNED_REVOCATION_MAX);
    write_body(&w, r);
    return mp_written(&w, ret_len);
}

ts_err revocation_record_body(const struct revocation_record *r,
                              struct ts_buf *out)
{
    uint8_t body[SIGNED_REVOCATION_MAX];
    size_t n;
    ts_err e = encode(r, body, &n);

    return e == TS_OK ? ts_buf_append(out, body, n) : e;
}

ts_err revocation_record_make(const struct revocation_record *r,
                              const struct trust_secret *key,
                              struct ts_buf *out)
{
    uint8_t body[SIGNED_REVOCATION_MAX];
    size_t n;
    ts_err e = encode(r, body, &n);

    if (e != TS_OK)
        return e;
    return signed_make(SIGNED_REVOCATION,
                       (struct ts_bytes){.ptr = body, .len = n}, key, out);
}

static bool directory_may(enum revocation_kind kind)
{
    return kind == REVOCATION_USER || kind == REVOCATION_AGENT ||
           kind == REVOCATION_APPROVER;
}

enum trust_code revocation_record_verify(const struct trust_store *store,
                                         struct ts_bytes in, uint64_t now,
                                         struct revocation_record *ret,
                                         enum revocation_signer *ret_by)
{
    const struct trust_key *key;
    struct revocation_record r;
    struct signed_object o;
    enum trust_code c;

    c = signed_open(SIGNED_REVOCATION, store,
                    SIGNED_ROLE(TRUST_ROLE_REVOKER) |
                        SIGNED_ROLE(TRUST_ROLE_DIRECTORY),
                    in, &o, &key);
    if (c != TRUST_OK || (c = revocation_record_decode(o.body, &r)) != TRUST_OK)
        return c;
    if (!ts_str_eq(r.tenant, key->tenant))
        return TRUST_E_TENANT;
    if (!signed_in_window(key, now))
        return TRUST_E_ISSUER;
    if (key->role == TRUST_ROLE_DIRECTORY && !directory_may(r.kind))
        return TRUST_E_ISSUER;
    *ret = r;
    *ret_by = key->role == TRUST_ROLE_REVOKER ? REVOCATION_BY_REVOKER
                                              : REVOCATION_BY_DIRECTORY;
    return TRUST_OK;
}

/* The block whose holder kid names; the count of blocks when none does. */
static size_t holder_of(const struct delegation *d, const uint8_t *kid)
{
    size_t i;

    for (i = 0; i < d->block_count; i++) {
        uint8_t have[TRUST_KID_LEN];

        trust_kid(d->blocks[i].holder, have);
        if (memcmp(have, kid, sizeof(have)) == 0)
            break;
    }
    return i;
}

/* May the holder of block i order that? */
static bool holder_may(const struct delegation *d, size_t i,
                       const struct revocation_record *r)
{
    if (r->kind == REVOCATION_GRANT)
        return i == 0 &&
               memcmp(r->target.ptr, d->grant_id, sizeof(d->grant_id)) == 0;
    if (r->kind != REVOCATION_BLOCK)
        return false;
    for (size_t k = i + 1; k < d->block_count; k++)
        if (memcmp(r->target.ptr, d->blocks[k].id, TRUST_HASH_LEN) == 0)
            return true;
    return false;
}

enum trust_code revocation_record_verify_holder(const struct delegation *d,
                                                struct ts_bytes in,
                                                struct revocation_record *ret)
{
    struct revocation_record r;
    struct signed_object o;
    enum trust_code c = signed_split(SIGNED_REVOCATION, in, &o);
    size_t i;

    if (c != TRUST_OK)
        return c;
    i = holder_of(d, o.kid);
    if (i == d->block_count)
        return TRUST_E_ISSUER;
    c = signed_verify(SIGNED_REVOCATION, &o, d->blocks[i].holder);
    if (c != TRUST_OK || (c = revocation_record_decode(o.body, &r)) != TRUST_OK)
        return c;
    if (!ts_str_eq(r.tenant, d->tenant))
        return TRUST_E_TENANT;
    if (!holder_may(d, i, &r))
        return TRUST_E_ISSUER;
    /* What it names ends with the root: an agent cannot make us remember for
     * longer, nor forget before. */
    r.keep_until = add_capped(d->blocks[0].exp, KEEP_MARGIN_S);
    *ret = r;
    return TRUST_OK;
}
