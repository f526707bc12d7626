/* Opening, closing and failing: what every other file here stands on. */
#include "shim/session.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

#define OPEN_TIMEOUT_MS 30000

enum tipstaff_status session_fail(struct tipstaff *t,
                                  enum tipstaff_status status, const char *fmt,
                                  ...)
{
    va_list ap;

    if (status == TIPSTAFF_LOST)
        t->lost = true;
    va_start(ap, fmt);
    (void)vsnprintf(t->text, sizeof(t->text), fmt, ap); /* cut is fine */
    va_end(ap);
    return status;
}

/* What a lost connection means for what was under way. */
static const char *consequence(const struct tipstaff *t)
{
    return t->flying > 0 ? "; the outcome of the call in flight is unknown"
                         : "";
}

enum tipstaff_status session_lost(struct tipstaff *t, ts_err e)
{
    return session_fail(t, TIPSTAFF_LOST, "the sidecar was lost: %s%s",
                        ts_err_text(e), consequence(t));
}

enum tipstaff_status session_protocol(struct tipstaff *t, const char *name,
                                      const char *what)
{
    return session_fail(t, TIPSTAFF_LOST,
                        "the sidecar broke the protocol (%s: %s)%s", name, what,
                        consequence(t));
}

enum tipstaff_status session_error(struct tipstaff *t, const struct frame *f)
{
    struct msg_error m;
    const char *what = "";
    char code[TS_CODE_MAX + 1], text[256];

    if (msg_error_decode(f->body, f->len, &m, &what) != TS_OK)
        return session_protocol(t, "ERROR", what);
    (void)ts_str_show(code, sizeof(code), m.code.ptr, m.code.len);
    (void)ts_str_show(text, sizeof(text), m.text.ptr, m.text.len);
    return session_fail(t, TIPSTAFF_LOST,
                        "the sidecar ended the session [%s]: %s%s", code, text,
                        consequence(t));
}

static enum tipstaff_status connect_to(struct tipstaff *t, const char *socket,
                                       int64_t deadline)
{
    int err = 0;
    ts_err e = link_connect(&t->link, socket, deadline, &err);

    if (e == TS_OK)
        return TIPSTAFF_OK;
    return session_fail(t, TIPSTAFF_UNAVAILABLE,
                        "no sidecar at socket %s: %s%s", socket, strerror(err),
                        err == ENOENT || err == ECONNREFUSED
                            ? "; is tipstaffd running and TIPSTAFF_SOCKET "
                              "right?"
                        : err == EACCES
                            ? "; the socket's group must be one of this user's"
                            : "");
}

static enum tipstaff_status send_origin(struct tipstaff *t,
                                        const struct credentials *c)
{
    const struct msg_origin m = {.origin = {c->origin, c->origin_len}};
    size_t before = t->link.out.len;

    return session_queued(t, before, msg_origin_send(&t->link.out, &m));
}

enum tipstaff_status tipstaff_open(const struct tipstaff_config *config,
                                   struct tipstaff **ret, char *reterr_text)
{
    int ms = config->timeout_ms > 0 ? config->timeout_ms : OPEN_TIMEOUT_MS;
    int64_t deadline = link_deadline(ms);
    struct tipstaff *t = ts_mem_alloc(sizeof(*t));
    struct credentials c;
    enum tipstaff_status s;
    ts_err e;

    if (t == NULL) {
        if (reterr_text != NULL)
            (void)snprintf(reterr_text, TIPSTAFF_MESSAGE_MAX, "out of memory");
        return TIPSTAFF_NOMEM;
    }
    link_init(&t->link, TS_FRAME_PREAUTH);
    t->next_seq = 1;
    t->max_body = TS_FRAME_MAX;
    e = credentials_load(config, &c, t->text);
    if (e == TS_OK) {
        s = connect_to(t, c.socket, deadline);
        if (s == TIPSTAFF_OK)
            s = session_handshake(t, &c, deadline);
        if (s == TIPSTAFF_OK && c.origin != NULL)
            s = send_origin(t, &c);
        if (s == TIPSTAFF_OK && c.sign_calls) {
            t->signer = c.holder; /* moved: guarded memory, wiped by close */
            c.holder = (struct trust_secret){.sk = NULL};
        }
        t->is_root = c.is_root;
        memcpy(t->grant_id, c.grant_id, sizeof(t->grant_id));
        credentials_done(&c);
    } else {
        s = e == TS_E_NOMEM ? session_fail(t, TIPSTAFF_NOMEM, "out of memory")
                            : TIPSTAFF_UNAVAILABLE;
    }
    if (s == TIPSTAFF_LOST)
        s = TIPSTAFF_UNAVAILABLE; /* there was no session yet to lose */
    if (s == TIPSTAFF_OK) {
        t->link.frame_max = TS_FRAME_MAX;
        *ret = t;
        return TIPSTAFF_OK;
    }
    if (reterr_text != NULL)
        memcpy(reterr_text, t->text, TIPSTAFF_MESSAGE_MAX);
    tipstaff_close(t);
    return s;
}

void tipstaff_close(struct tipstaff *t)
{
    if (t == NULL)
        return;
    link_done(&t->link);
    trust_secret_done(&t->signer);
    ts_mem_free(t);
}

const char *tipstaff_message(const struct tipstaff *t)
{
    return t->text;
}

int tipstaff_fd(const struct tipstaff *t, short *ret_events)
{
    *ret_events = t->link.out.len > 0 ? POLLIN | POLLOUT : POLLIN;
    return t->link.fd;
}

struct flight *session_flight(struct tipstaff *t, uint64_t seq)
{
    for (size_t i = 0; i < TIPSTAFF_IN_FLIGHT_MAX; i++)
        if (t->flight[i].state != FLIGHT_FREE && t->flight[i].seq == seq)
            return &t->flight[i];
    return NULL;
}

enum tipstaff_status session_idle(struct tipstaff *t)
{
    if (t->lost)
        return TIPSTAFF_LOST;
    if (t->flying > 0)
        return session_fail(t, TIPSTAFF_USAGE, "calls are in flight");
    return TIPSTAFF_OK;
}

enum tipstaff_status session_queued(struct tipstaff *t, size_t before, ts_err e)
{
    struct ts_buf *out = &t->link.out;

    if (e == TS_E_NOMEM)
        return session_fail(t, TIPSTAFF_NOMEM, "out of memory");
    if (e == TS_E_LIMIT)
        return session_fail(t, TIPSTAFF_LIMIT,
                            "the message is too large, or too much is queued");
    if (e != TS_OK)
        return session_fail(t, TIPSTAFF_USAGE, "a field breaks its rule: %s",
                            ts_err_text(e));
    TS_REQUIRE(out->len >= before + TS_FRAME_HEAD);
    if (out->len - before - TS_FRAME_HEAD > t->max_body) {
        out->len = before; /* the frame is the last thing in it */
        return session_fail(t, TIPSTAFF_LIMIT,
                            "the message is larger than the %llu bytes that "
                            "this sidecar takes",
                            (unsigned long long)t->max_body);
    }
    return TIPSTAFF_OK;
}
