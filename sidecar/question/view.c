/* A question: verified, and wholly readable, or not shown. */
#include "sidecar/question/view.h"

#include "proto/trust/signed.h"
#include "proto/wire/mp_read.h"

static bool args_ok(struct ts_bytes args)
{
    struct mp_reader r;

    mp_reader_init(&r, args.ptr, args.len);
    return mp_peek(&r) == MP_MAP && mp_scan(args.ptr, args.len) == TS_OK;
}

/* c: what came of reading v.ticket out of body. */
static bool open_with(enum trust_code c, struct ts_bytes body,
                      struct approval_view *ret, const char **reterr)
{
    struct approval_view v = *ret;

    if (c == TRUST_E_ISSUER || c == TRUST_E_SIG) {
        *reterr = "the question is not signed by the sidecar whose key was "
                  "given: do not sign it, and find out whose it is";
        return false;
    }
    if (c != TRUST_OK) {
        *reterr = "the question is malformed: use the tipstaff of the same "
                  "version as the service";
        return false;
    }
    if (!args_ok(v.ticket.args)) {
        *reterr = "the arguments in the question cannot be read for sure, so "
                  "it cannot be shown: do not sign it";
        return false;
    }
    if (ticket_context_decode(v.ticket.context, v.ticket.rule_count,
                              &v.context) != TS_OK) {
        *reterr = "what the question says beside the call cannot be read: use "
                  "the tipstaff of the same version as the service";
        return false;
    }
    ticket_id(body, v.id);
    *ret = v;
    return true;
}

bool approval_view_open(struct ts_bytes object,
                        const uint8_t sidecar_pk[TRUST_PK_LEN],
                        struct approval_view *ret, const char **reterr)
{
    struct approval_view v = {.stage = TICKET_STAGE_WAITING};
    struct ts_bytes body = {0};
    enum trust_code c = ticket_verify(object, sidecar_pk, &body, &v.ticket);

    if (!open_with(c, body, &v, reterr))
        return false;
    *ret = v;
    return true;
}

bool approval_view_read(struct ts_bytes object, struct approval_view *ret,
                        const char **reterr)
{
    struct approval_view v = {.stage = TICKET_STAGE_WAITING};
    struct signed_object o = {.body = {0}};
    enum trust_code c = signed_split(SIGNED_TICKET, object, &o);

    if (c == TRUST_OK)
        c = ticket_decode(o.body, &v.ticket);
    if (!open_with(c, o.body, &v, reterr))
        return false;
    *ret = v;
    return true;
}
