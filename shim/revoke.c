/* REVOKE: a holder takes back what it has handed on. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/base/ts_mem.h"
#include "proto/trust/delegation.h"
#include "proto/trust/revocation_record.h"
#include "shim/session.h"

#define PATH_CAP 4096

struct handed_on {  /* the chain, what it says, and who signs */
    uint8_t *bytes; /* owned */
    size_t len;
    struct ts_arena arena;
    struct delegation d;
    struct trust_secret key; /* owned */
};

static void done(struct handed_on *h)
{
    ts_mem_free(h->bytes);
    ts_arena_done(&h->arena);
    trust_secret_done(&h->key);
}

static ts_err load(const struct tipstaff_revocation *r, struct handed_on *h,
                   char *text)
{
    char path[PATH_CAP];
    uint8_t issuer[TRUST_PK_LEN];
    const char *from = r->issuer;
    int n = snprintf(path, sizeof(path), "%s.issuer", r->chain);
    ts_err e;

    if (n < 0 || (size_t)n >= sizeof(path))
        return TS_E_LIMIT;
    if (from == NULL)
        from = path;
    h->bytes = ts_mem_alloc(TS_CHAIN_MAX + 1);
    if (h->bytes == NULL)
        return TS_E_NOMEM;
    h->len = credentials_file(r->chain, "delegation", h->bytes,
                              TS_CHAIN_MAX + 1, text);
    if (h->len == 0)
        return TS_E_INVALID;
    if ((e = credentials_public(from, "issuer's key", issuer, text)) != TS_OK ||
        (e = credentials_key(r->key, &h->key, text)) != TS_OK)
        return e;
    if (delegation_decode_to_show(h->bytes, h->len, issuer, &h->arena, &h->d) !=
        TRUST_OK) {
        (void)snprintf(text, TIPSTAFF_MESSAGE_MAX,
                       "delegation %.200s: not a chain of the issuer in %.200s",
                       r->chain, from);
        return TS_E_FORMAT;
    }
    return TS_OK;
}

/* The block whose holder we are; the count of blocks when we are none. */
static size_t own_block(const struct handed_on *h)
{
    size_t i = 0;

    while (i < h->d.block_count &&
           memcmp(h->d.blocks[i].holder, h->key.pk, TRUST_PK_LEN) != 0)
        i++;
    return i;
}

/* Which block; or a sentence why we may not. */
static const char *choose(const struct tipstaff_revocation *r,
                          const struct handed_on *h, size_t *ret)
{
    size_t own = own_block(h);

    if (own == h->d.block_count)
        return "the key is not that of a holder in this chain";
    *ret = r->block < 0 ? own + 1 : (size_t)r->block;
    if (*ret == 0 && own == 0)
        return NULL;
    if (*ret <= own)
        return "only what follows this holder's own block can be taken back";
    if (*ret >= h->d.block_count)
        return "nothing was handed on in this chain; to give it up yourself, "
               "use end, or block 0 as its first holder";
    return NULL;
}

static ts_err make(const struct tipstaff_revocation *r,
                   const struct handed_on *h, size_t block, struct ts_buf *out)
{
    struct revocation_record record = {
        .tenant = h->d.tenant,
        .kind = block == 0 ? REVOCATION_GRANT : REVOCATION_BLOCK,
        .reason = ts_str_of(r->reason != NULL ? r->reason : "")};
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
    if (block == 0)
        record.target = (struct ts_bytes){h->d.grant_id, sizeof(h->d.grant_id)};
    else
        record.target = (struct ts_bytes){h->d.blocks[block].id,
                                          sizeof(h->d.blocks[block].id)};
    record.keep_until =
        revocation_keep_until(record.kind, 0, (uint64_t)now.tv_sec);
    randombytes_buf(record.nonce, sizeof(record.nonce));
    return revocation_record_make(&record, &h->key, out);
}

/* ERROR revoked in place of an answer. It says the same if the session stands
 * under the grant that was taken back; else somebody revoked the session before
 * the sidecar came to this, and what was handed on may well be in force. */
static enum tipstaff_status session_over(struct tipstaff *t, bool covered)
{
    enum tipstaff_status s = session_fail(
        t, TIPSTAFF_LOST, "%s",
        covered ? "the session's own grant was revoked"
                : "this session was itself revoked before the sidecar "
                  "confirmed it; it may or may not be revoked: an operator "
                  "can say, and revoke it");

    return covered ? TIPSTAFF_OK : s;
}

/* covered: the session ends with what is revoked. */
static enum tipstaff_status answer(struct tipstaff *t, uint64_t seq,
                                   bool covered, const struct frame *f)
{
    struct msg_error error;
    struct msg_seq m;
    const char *what = "";

    if (f->type == MSG_ERROR &&
        msg_error_decode(f->body, f->len, &error, &what) == TS_OK &&
        ts_str_eq_c(error.code, call_code_name(CODE_REVOKED)))
        return session_over(t, covered);
    if (f->type == MSG_ERROR)
        return session_error(t, f);
    if (f->type != MSG_REVOKE)
        return session_protocol(t, "frame", "type not due");
    if (msg_seq_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "REVOKE", what);
    return m.seq == seq ? TIPSTAFF_OK : session_protocol(t, "REVOKE", "seq");
}

static enum tipstaff_status send_it(struct tipstaff *t,
                                    const struct handed_on *h, size_t block,
                                    const struct ts_buf *record, int timeout_ms)
{
    bool covered = block == 0 &&
                   memcmp(t->grant_id, h->d.grant_id, sizeof(t->grant_id)) == 0;
    struct msg_revoke m = {.seq = t->next_seq,
                           .record = {ts_buf_bytes(record), record->len},
                           .chain = {h->bytes, h->len}};
    int64_t deadline = link_deadline(timeout_ms);
    size_t before = t->link.out.len;
    struct frame f;
    enum tipstaff_status s =
        session_queued(t, before, msg_revoke_send(&t->link.out, &m));

    while (s == TIPSTAFF_OK) {
        ts_err e = link_recv(&t->link, deadline, &f);

        if (e == TS_E_AGAIN)
            return session_fail(t, TIPSTAFF_LOST,
                                "the sidecar did not confirm it in %d ms; it "
                                "may or may not be revoked",
                                timeout_ms);
        if (e != TS_OK)
            return session_lost(t, e);
        if (f.type != MSG_PING)
            return answer(t, m.seq, covered, &f);
        s = session_pong(t, &f);
    }
    return s;
}

enum tipstaff_status tipstaff_revoke(struct tipstaff *t,
                                     const struct tipstaff_revocation *r,
                                     int timeout_ms)
{
    char text[TIPSTAFF_MESSAGE_MAX] = "the file's name is too long";
    struct handed_on h = {0};
    enum tipstaff_status s = session_idle(t);
    struct ts_buf record;
    const char *why;
    size_t block = 0;
    ts_err e;

    if (s != TIPSTAFF_OK)
        return s;
    ts_arena_init(&h.arena, (size_t)8 * TS_CHAIN_MAX);
    ts_buf_init(&record, 2 * (size_t)TS_REVOCATION_MAX);
    e = r->chain != NULL ? load(r, &h, text) : TS_E_INVALID;
    why = e == TS_OK ? choose(r, &h, &block) : text;
    if (e == TS_OK && why == NULL) {
        e = make(r, &h, block, &record);
        why = e == TS_OK ? NULL : "the reason is too long or not UTF-8";
    }
    if (e == TS_E_NOMEM)
        s = session_fail(t, TIPSTAFF_NOMEM, "out of memory");
    else if (why != NULL)
        s = session_fail(t, TIPSTAFF_USAGE, "%s", why);
    else
        s = send_it(t, &h, block, &record, timeout_ms);
    ts_buf_done(&record);
    done(&h);
    return s;
}
