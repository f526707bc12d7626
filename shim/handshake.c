/* HELLO, AUTH, WELCOME: who is at the other end, and proof of who we are. The
 * chain is not sent to a sidecar whose key is not the pinned one. */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "proto/trust/delegation.h"
#include "proto/trust/handshake.h"
#include "shim/session.h"

/* A sidecar that takes less could not be sent a chain. */
#define FRAME_LEAST ((uint64_t)TS_FRAME_PREAUTH)

static enum tipstaff_status refused(struct tipstaff *t, const char *socket,
                                    const struct frame *f)
{
    struct msg_error m;
    const char *what = "";
    char code[TS_CODE_MAX + 1], text[256];

    if (msg_error_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "ERROR", what);
    (void)ts_str_show(code, sizeof(code), m.code.ptr, m.code.len);
    (void)ts_str_show(text, sizeof(text), m.text.ptr, m.text.len);
    return session_fail(t, TIPSTAFF_UNAVAILABLE,
                        "the sidecar at %s refused the session [%s]: %s",
                        socket, code, text);
}

/* One frame of the wanted type, or a status. */
static enum tipstaff_status want(struct tipstaff *t, const char *socket,
                                 enum client_type type, const char *name,
                                 int64_t deadline, struct frame *ret)
{
    struct frame f;
    ts_err e = link_recv(&t->link, deadline, &f);

    if (e == TS_E_AGAIN)
        return session_fail(t, TIPSTAFF_UNAVAILABLE,
                            "the sidecar at %s did not send %s in time", socket,
                            name);
    if (e != TS_OK)
        return session_fail(t, TIPSTAFF_UNAVAILABLE,
                            "the sidecar at %s ended the handshake before %s: "
                            "%s",
                            socket, name, ts_err_text(e));
    if (f.type == MSG_ERROR)
        return refused(t, socket, &f);
    if (f.type != type)
        return session_protocol(t, name, "type");
    *ret = f;
    return TIPSTAFF_OK;
}

static enum tipstaff_status
take_hello(struct tipstaff *t, const struct credentials *c,
           const struct frame *f, struct handshake_transcript *ret, char *id)
{
    struct handshake_hello m;
    const char *what = "";

    if (handshake_hello_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "HELLO", what);
    if (m.max_frame < FRAME_LEAST)
        return session_protocol(t, "HELLO", "max_frame");
    if (c->pinned && memcmp(m.sidecar_pk, c->sidecar_pk, TRUST_PK_LEN) != 0)
        return session_fail(t, TIPSTAFF_UNAVAILABLE,
                            "the sidecar at %s has another key than the pinned "
                            "one; nothing was sent to it",
                            c->socket);
    if (trust_pk_check(m.sidecar_pk) != TS_OK)
        return session_protocol(t, "HELLO", "sidecar_pk");
    t->max_body = m.max_frame < TS_FRAME_MAX ? m.max_frame : TS_FRAME_MAX;
    memcpy(id, m.sidecar_id.ptr, m.sidecar_id.len); /* f ends with the next */
    *ret = (struct handshake_transcript){
        .sidecar_id = {.ptr = id, .len = m.sidecar_id.len},
        .uid = (uint32_t)geteuid(),
        .gid = (uint32_t)getegid()};
    memcpy(ret->challenge, m.challenge, sizeof(ret->challenge));
    memcpy(ret->sidecar_pk, m.sidecar_pk, sizeof(ret->sidecar_pk));
    randombytes_buf(ret->client_nonce, sizeof(ret->client_nonce));
    delegation_chain_hash(c->chain, c->chain_len, ret->chain_hash);
    return TIPSTAFF_OK;
}

enum tipstaff_status session_handshake(struct tipstaff *t,
                                       const struct credentials *c,
                                       int64_t deadline)
{
    struct handshake_transcript T;
    struct handshake_auth auth = {.chain = {c->chain, c->chain_len}};
    struct handshake_welcome welcome;
    char sidecar_id[TS_ID_MAX];
    const char *what = "";
    struct frame f = {.body = NULL};
    enum tipstaff_status s;

    s = want(t, c->socket, MSG_HELLO, "HELLO", deadline, &f);
    if (s == TIPSTAFF_OK)
        s = take_hello(t, c, &f, &T, sidecar_id);
    if (s != TIPSTAFF_OK)
        return s;
    memcpy(auth.client_nonce, T.client_nonce, sizeof(auth.client_nonce));
    handshake_client_proof(&T, &c->holder, auth.proof);
    if (handshake_auth_send(&t->link.out, MSG_AUTH, &auth) != TS_OK)
        return session_fail(t, TIPSTAFF_NOMEM, "out of memory");
    s = want(t, c->socket, MSG_WELCOME, "WELCOME", deadline, &f);
    if (s != TIPSTAFF_OK)
        return s;
    if (handshake_welcome_decode(f.body, f.len, &welcome, &what) != TS_OK)
        return session_protocol(t, "WELCOME", what);
    if (handshake_verify_server(&T, auth.proof, welcome.session_id,
                                welcome.server_proof) != TS_OK)
        return session_fail(t, TIPSTAFF_UNAVAILABLE,
                            "the sidecar at %s did not prove its key",
                            c->socket);
    memcpy(t->session_id, welcome.session_id, sizeof(t->session_id));
    return TIPSTAFF_OK;
}
