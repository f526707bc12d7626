/* Answers of people: whose they are, what they say, and when they are enough.
 */
#include "proto/trust/approval.h"

#include <string.h>

#include "proto/trust/approval_priv.h"
#include "proto/trust/id.h"
#include "proto/trust/smp.h"
#include "proto/wire/mp_write.h"

#define APPROVAL_VERSION 1
#define APPROVAL_FIELDS  9

const char *approval_code_name(enum approval_code c)
{
    static const char *const name[] = {"ok",
#define X(id, text) #id,
                                       APPROVAL_CODE_MAP(X)
#undef X
    };

    return (size_t)c < APPROVAL_CODE_COUNT_ ? name[c] : "UNKNOWN";
}

const char *approval_code_text(enum approval_code c)
{
    static const char *const texts[] = {"the answer counts",
#define X(id, text) text,
                                        APPROVAL_CODE_MAP(X)
#undef X
    };

    return (size_t)c < APPROVAL_CODE_COUNT_ ? texts[c] : "unknown code";
}

static enum trust_code check(const struct approval *a)
{
    if (!trust_id_valid(a->tenant) || !trust_id_valid(a->person))
        return TRUST_E_ID;
    if ((a->verdict != APPROVAL_YES && a->verdict != APPROVAL_NO) ||
        a->note.len > APPROVAL_NOTE_MAX ||
        !ts_utf8_valid(a->note.ptr, a->note.len))
        return TRUST_E_FORMAT;
    return TRUST_OK;
}

enum trust_code approval_decode(struct ts_bytes body, struct approval *ret)
{
    struct approval a = {0};
    enum trust_code c;
    uint64_t verdict;
    struct smp s;

    smp_init(&s, body);
    if ((c = smp_begin(&s, APPROVAL_FIELDS, APPROVAL_VERSION)) != TRUST_OK)
        return c;
    smp_bin_exact(&s, a.ticket_id, sizeof(a.ticket_id));
    smp_bin_exact(&s, a.decision_id, sizeof(a.decision_id));
    a.tenant = smp_str(&s, TS_ID_MAX);
    a.person = smp_str(&s, TS_ID_MAX);
    verdict = smp_uint(&s);
    a.iat = smp_uint(&s);
    a.exp = smp_uint(&s);
    a.note = smp_str(&s, APPROVAL_NOTE_MAX);
    if ((c = smp_done(&s)) != TRUST_OK)
        return c;
    if (verdict != APPROVAL_YES && verdict != APPROVAL_NO)
        return TRUST_E_FORMAT;
    a.verdict = (enum approval_verdict)verdict;
    if ((c = check(&a)) != TRUST_OK)
        return c;
    *ret = a;
    return TRUST_OK;
}

static enum trust_code split_ssh(struct ts_bytes in,
                                 struct approval_answer *ret)
{
    struct ts_bytes blob;
    enum trust_code c;
    struct smp s;

    smp_init(&s, in);
    smp_tuple(&s, 2);
    ret->raw.body = smp_bin(&s, APPROVAL_MAX);
    blob = smp_bin(&s, SSHSIG_MAX);
    if ((c = smp_done(&s)) != TRUST_OK ||
        (c = sshsig_decode(blob, &ret->ssh)) != TRUST_OK)
        return c;
    ret->is_ssh = true;
    trust_kid(ret->ssh.pk, ret->kid);
    return TRUST_OK;
}

enum trust_code approval_split(struct ts_bytes in, struct approval_answer *ret)
{
    struct approval_answer a = {0};
    enum trust_code c;

    if (in.len > APPROVAL_MAX)
        return TRUST_E_LIMIT;
    if (in.len > 0 && in.ptr[0] == 0x92) { /* an array of two */
        c = split_ssh(in, &a);
    } else {
        c = signed_split(SIGNED_APPROVAL, in, &a.raw);
        if (c == TRUST_OK)
            memcpy(a.kid, a.raw.kid, sizeof(a.kid));
    }
    if (c == TRUST_OK)
        *ret = a;
    return c;
}

enum trust_code approval_verify(const struct approval_answer *a,
                                const uint8_t pk[TRUST_PK_LEN])
{
    if (a->is_ssh)
        return sshsig_verify(&a->ssh, APPROVAL_SSH_NAMESPACE, a->raw.body, pk);
    return signed_verify(SIGNED_APPROVAL, &a->raw, pk);
}

bool approval_peek(struct ts_bytes in, uint8_t ret_decision[16])
{
    struct approval said;
    struct approval_answer a;

    if (approval_split(in, &a) != TRUST_OK ||
        approval_decode(a.raw.body, &said) != TRUST_OK)
        return false;
    memcpy(ret_decision, said.decision_id, sizeof(said.decision_id));
    return true;
}

ts_err approval_body(const struct approval *a, struct ts_buf *out)
{
    struct mp_writer w;
    uint8_t *room;
    size_t n;
    ts_err e;

    if (check(a) != TRUST_OK)
        return TS_E_INVALID;
    e = ts_buf_reserve(out, APPROVAL_MAX, &room);
    if (e != TS_OK)
        return e;
    mp_writer_init(&w, room, APPROVAL_MAX);
    mp_write_array(&w, APPROVAL_FIELDS);
    mp_write_uint(&w, APPROVAL_VERSION);
    mp_write_bin(&w, a->ticket_id, sizeof(a->ticket_id));
    mp_write_bin(&w, a->decision_id, sizeof(a->decision_id));
    mp_write_str(&w, a->tenant.ptr, a->tenant.len);
    mp_write_str(&w, a->person.ptr, a->person.len);
    mp_write_uint(&w, (uint64_t)a->verdict);
    mp_write_uint(&w, a->iat);
    mp_write_uint(&w, a->exp);
    mp_write_str(&w, a->note.ptr, a->note.len);
    e = mp_written(&w, &n);
    if (e == TS_OK)
        ts_buf_grew(out, n);
    return e;
}

ts_err approval_sign(struct ts_bytes body, const struct trust_secret *key,
                     struct ts_buf *out)
{
    return signed_make(SIGNED_APPROVAL, body, key, out);
}

ts_err approval_join_ssh(struct ts_bytes body, struct ts_bytes sshsig,
                         struct ts_buf *out)
{
    struct mp_writer w;
    uint8_t *room;
    size_t n;
    ts_err e = ts_buf_reserve(out, APPROVAL_MAX, &room);

    if (e != TS_OK)
        return e;
    mp_writer_init(&w, room, APPROVAL_MAX);
    mp_write_array(&w, 2);
    mp_write_bin(&w, body.ptr, body.len);
    mp_write_bin(&w, sshsig.ptr, sshsig.len);
    e = mp_written(&w, &n);
    if (e == TS_OK)
        ts_buf_grew(out, n);
    return e;
}
