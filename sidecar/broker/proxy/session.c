/*
 * The state machine of one proxied connection: first byte, SOCKS5, dial and the
 * last answer. HTTP requests are in proxy_http.c, bodies in proxy_exchange.c.
 */
#include "sidecar/broker/proxy/session.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/broker/proxy/session_priv.h"
#include "sidecar/broker/proxy/socks5.h"

#define PATIENCE_HEAD_MS     30000  /* for a whole head or greeting */
#define PATIENCE_KEEP_MS     60000  /* between requests */
#define PATIENCE_DIAL_MS     60000  /* the dial has its own, shorter ones */
#define PATIENCE_EXCHANGE_MS 300000 /* without a byte either way */
#define PATIENCE_LAST_MS     10000  /* for a tool that does not read */

ts_err proxy_session_new(const struct manifest_network *network,
                         const struct inject *inject,
                         struct proxy_session **ret)
{
    struct proxy_session *s = ts_mem_alloc(sizeof(*s));

    if (s == NULL)
        return TS_E_NOMEM;
    s->network = network;
    s->inject = inject;
    ts_buf_init(&s->tool_in, PROXY_TOOL_IN_MAX);
    ts_buf_init(&s->tool_out, PROXY_TOOL_OUT_MAX);
    ts_buf_init(&s->host_in, PROXY_HOST_IN_MAX);
    ts_buf_init(&s->host_out, PROXY_HOST_OUT_MAX);
    ts_buf_init(&s->head_bytes, HTTP_HEAD_MAX);
    ts_buf_init(&s->scanned, PROXY_TOOL_OUT_MAX);
    s->path = ts_mem_alloc(sizeof(*s->path));
    s->request = ts_mem_alloc(sizeof(*s->request));
    s->response = ts_mem_alloc(sizeof(*s->response));
    if (s->path == NULL || s->request == NULL || s->response == NULL) {
        proxy_session_free(s);
        return TS_E_NOMEM;
    }
    *ret = s;
    return TS_OK;
}

void proxy_session_free(struct proxy_session *s)
{
    if (s == NULL)
        return;
    sodium_free(s->vault); /* zeroes it */
    redactor_free(s->redactor);
    ts_buf_done(&s->tool_in);
    ts_buf_done(&s->tool_out);
    ts_buf_done(&s->host_in);
    ts_buf_done(&s->host_out);
    ts_buf_done(&s->head_bytes);
    ts_buf_done(&s->scanned);
    ts_mem_free(s->path);
    ts_mem_free(s->request);
    ts_mem_free(s->response);
    ts_mem_free(s);
}

struct ts_str proxy_method(const struct proxy_session *s)
{
    return s->via == EGRESS_VIA_HTTP ? s->request->method : TS_STR_LIT("");
}

struct ts_str proxy_path(const struct proxy_session *s)
{
    return s->via == EGRESS_VIA_HTTP
               ? (struct ts_str){.ptr = s->path->text, .len = s->path->len}
               : TS_STR_LIT("");
}

struct ts_str proxy_host(const struct proxy_session *s)
{
    return (struct ts_str){.ptr = s->host_text, .len = s->host_len};
}

void session_drop_host(struct proxy_session *s, bool broken)
{
    if (s->rule != NULL) {
        s->want.close_host = true;
        s->want.host_broken = broken;
    }
    s->rule = NULL;
    s->host_ended = s->host_broken = false;
    s->host_in.len = s->host_in.start = 0;
    s->host_out.len = s->host_out.start = 0;
    sodium_free(s->vault);
    s->vault = NULL;
    s->vault_len = s->vault_off = 0;
}

void session_last(struct proxy_session *s)
{
    session_drop_host(s, false);
    redactor_free(s->redactor);
    s->redactor = NULL;
    s->state = s->tool_out.len > 0 ? PROXY_LAST : PROXY_CLOSED;
}

void proxy_abort(struct proxy_session *s)
{
    s->cut = true;
    ts_buf_clear(&s->tool_out);
    session_last(s);
}

void session_refuse(struct proxy_session *s, uint32_t status,
                    enum egress_code code, const char *what, const char *remedy,
                    bool deny)
{
    struct http_refusal r = {.status = status,
                             .code = code,
                             .what = what,
                             .remedy = remedy,
                             .method = proxy_method(s),
                             .host = proxy_host(s),
                             .port = s->port,
                             .bodyless = http_name_eq(proxy_method(s), "HEAD")};

    if (s->via == EGRESS_VIA_CONNECT)
        r.method = TS_STR_LIT("CONNECT");
    if (deny) {
        s->want.deny = true;
        s->want.deny_code = code;
    }
    if (http_refusal_write(&r, &s->tool_out) != TS_OK)
        proxy_abort(s);
    else
        session_last(s);
}

void session_dial(struct proxy_session *s, enum egress_via via)
{
    session_drop_host(s, false);
    s->via = via;
    s->want.dial = true;
    s->state = PROXY_DIAL;
}

/* SOCKS5 answers; the last ones unless the status is good. */
static void socks_answer(struct proxy_session *s, enum socks5_status status,
                         const uint8_t *address, uint32_t address_len)
{
    uint8_t out[SOCKS5_REPLY_MAX];
    size_t n = socks5_reply(status, address, address_len, out);

    if (ts_buf_append(&s->tool_out, out, n) != TS_OK)
        proxy_abort(s);
    else if (status == SOCKS5_OK)
        s->state = PROXY_TUNNEL;
    else
        session_last(s);
}

static void deny_malformed(struct proxy_session *s)
{
    s->want.deny = true;
    s->want.deny_code = EGRESS_MALFORMED;
}

static void step_hello(struct proxy_session *s)
{
    static const uint8_t good[2] = {SOCKS5_VERSION, 0};
    static const uint8_t bad[2] = {SOCKS5_VERSION, 0xff};
    size_t n;
    ts_err e =
        socks5_greeting_read(ts_buf_bytes(&s->tool_in), s->tool_in.len, &n);

    if (e == TS_E_AGAIN)
        return;
    if (e != TS_OK) {
        deny_malformed(s);
        if (e == TS_E_UNSUPPORTED &&
            ts_buf_append(&s->tool_out, bad, sizeof(bad)) != TS_OK)
            ts_buf_clear(&s->tool_out);
        session_last(s);
        return;
    }
    ts_buf_consume(&s->tool_in, n);
    if (ts_buf_append(&s->tool_out, good, sizeof(good)) != TS_OK)
        proxy_abort(s);
    else
        s->state = PROXY_REQUEST;
}

static void step_request(struct proxy_session *s)
{
    struct socks5_request r;
    enum socks5_status status;
    ts_err e = socks5_request_read(ts_buf_bytes(&s->tool_in), s->tool_in.len,
                                   &r, &status);

    if (e == TS_E_AGAIN)
        return;
    if (e != TS_OK) {
        deny_malformed(s);
        socks_answer(s, status, NULL, 0);
        return;
    }
    ts_buf_consume(&s->tool_in, r.len);
    memcpy(s->host_text, r.host, r.host_len);
    s->host_len = r.host_len;
    s->port = r.port;
    session_dial(s, EGRESS_VIA_SOCKS5);
}

static void step_first(struct proxy_session *s)
{
    uint8_t c;

    if (s->tool_in.len == 0)
        return;
    c = ts_buf_bytes(&s->tool_in)[0];
    s->via = EGRESS_VIA_HTTP;
    if (c == SOCKS5_VERSION) {
        s->via = EGRESS_VIA_SOCKS5;
        s->state = PROXY_HELLO;
    } else if ((c >= 'A' && c <= 'Z') || c == '\r') {
        s->state = PROXY_HEAD;
    } else { /* SOCKS4, TLS to the proxy, noise: no common language */
        deny_malformed(s);
        session_last(s);
    }
}

void proxy_step(struct proxy_session *s)
{
    enum proxy_state before;

    do { /* every round leaves a state; only HEAD and EXCHANGE come again, and
          * each request takes its bytes out of tool_in */
        before = s->state;
        switch (s->state) {
        case PROXY_FIRST:
            step_first(s);
            break;
        case PROXY_HELLO:
            step_hello(s);
            break;
        case PROXY_REQUEST:
            step_request(s);
            break;
        case PROXY_HEAD:
            session_http_head(s);
            if (s->state == PROXY_HEAD && s->tool_ended)
                session_last(s); /* half a request at most */
            break;
        case PROXY_EXCHANGE:
            session_exchange(s);
            if (s->state == PROXY_EXCHANGE && s->host_ended)
                session_exchange_host_end(s);
            break;
        case PROXY_LAST:
            if (s->tool_out.len == 0)
                s->state = PROXY_CLOSED;
            break;
        case PROXY_DIAL:
        case PROXY_TUNNEL:
        case PROXY_CLOSED:
        case PROXY_STATE_COUNT_:
            break;
        }
    } while (s->state != before && !s->want.close_host && !s->want.dial);
}

void proxy_tool_end(struct proxy_session *s)
{
    s->tool_ended = true;
    proxy_step(s); /* what is whole is still served */
    switch (s->state) {
    case PROXY_FIRST:
    case PROXY_HELLO:
    case PROXY_REQUEST:
    case PROXY_HEAD:
        session_last(s);
        break;
    case PROXY_EXCHANGE: /* a half-close behind a whole request is fine */
    case PROXY_DIAL:
    case PROXY_TUNNEL:
    case PROXY_LAST:
    case PROXY_CLOSED:
    case PROXY_STATE_COUNT_:
        break;
    }
}

void proxy_host_end(struct proxy_session *s, bool broken)
{
    if (s->rule == NULL)
        return;
    s->host_ended = true;
    if (s->state != PROXY_EXCHANGE) {
        if (s->state == PROXY_HEAD || s->state == PROXY_LAST)
            session_drop_host(s, broken);
        return;
    }
    s->host_broken = broken;
    proxy_step(s); /* what came before it goes first */
}

void proxy_dialled(struct proxy_session *s, enum egress_code code,
                   const char *what, const struct manifest_host *rule,
                   const uint8_t *address, uint32_t address_len)
{
    if (s->state != PROXY_DIAL)
        return;
    if (code == EGRESS_OK) {
        s->rule = rule;
        s->passed = 0;
    }
    if (s->via == EGRESS_VIA_SOCKS5) {
        socks_answer(s, socks5_status_of(code), address,
                     code == EGRESS_OK ? address_len : 0);
    } else if (code == EGRESS_METHOD_DENIED && s->via == EGRESS_VIA_CONNECT) {
        session_refuse(s, 403, code,
                       "this host's rule has methods, paths or tls, and they "
                       "cannot be checked inside of a CONNECT tunnel",
                       "Ask the proxy for http://HOST/... instead; with "
                       "`tls: true` it speaks TLS to the host itself.",
                       false);
    } else if (code != EGRESS_OK) {
        session_refuse(s, http_status_of(code), code, what,
                       http_remedy_of(code), false);
    } else {
        session_http_begin(s);
    }
    proxy_step(s);
}

void proxy_timeout(struct proxy_session *s)
{
    switch (s->state) {
    case PROXY_HEAD:
        if (s->tool_in.len > 0) {
            session_refuse(s, 408, EGRESS_MALFORMED,
                           "the request did not come in time", "", true);
            break;
        }
        session_last(s);
        break;
    case PROXY_FIRST:
    case PROXY_HELLO:
    case PROXY_REQUEST:
    case PROXY_LAST:
    case PROXY_TUNNEL:
    case PROXY_CLOSED:
        proxy_abort(s);
        break;
    case PROXY_DIAL:
        if (s->via == EGRESS_VIA_SOCKS5)
            socks_answer(s, SOCKS5_HOST_UNREACHABLE, NULL, 0);
        else
            session_refuse(s, 504, EGRESS_TIMED_OUT, "", "", false);
        break;
    case PROXY_EXCHANGE:
        if (s->answer_begun) {
            proxy_abort(s); /* cut short, so that it does not look whole */
            break;
        }
        session_drop_host(s, true);
        session_refuse(s, 504, EGRESS_TIMED_OUT, "the host did not answer", "",
                       false);
        break;
    case PROXY_STATE_COUNT_:
        break;
    }
}

uint32_t proxy_patience(const struct proxy_session *s, bool *ret_total)
{
    *ret_total = true;
    switch (s->state) {
    case PROXY_HEAD:
        return s->requests > 0 && s->tool_in.len == 0 ? PATIENCE_KEEP_MS
                                                      : PATIENCE_HEAD_MS;
    case PROXY_FIRST:
    case PROXY_HELLO:
    case PROXY_REQUEST:
        return PATIENCE_HEAD_MS;
    case PROXY_DIAL:
        return PATIENCE_DIAL_MS;
    case PROXY_EXCHANGE:
        *ret_total = false;
        return PATIENCE_EXCHANGE_MS;
    case PROXY_TUNNEL:
    case PROXY_LAST:
    case PROXY_CLOSED:
    case PROXY_STATE_COUNT_:
        break;
    }
    return PATIENCE_LAST_MS;
}

/* While a host is dialled nothing is read ahead but what fits. */
size_t proxy_tool_room(const struct proxy_session *s)
{
    size_t room = s->tool_in.max - s->tool_in.len;

    if (s->tool_ended || s->state == PROXY_LAST || s->state == PROXY_CLOSED ||
        s->state == PROXY_TUNNEL)
        return 0;
    return room;
}

size_t proxy_host_room(const struct proxy_session *s)
{
    if (s->rule == NULL || s->host_ended ||
        (s->state != PROXY_EXCHANGE && s->state != PROXY_HEAD))
        return 0;
    return s->host_in.max - s->host_in.len;
}

struct ts_bytes proxy_host_next(const struct proxy_session *s)
{
    if (s->vault_off < s->vault_len)
        return (struct ts_bytes){s->vault + s->vault_off,
                                 s->vault_len - s->vault_off};
    if (s->host_out.len == 0)
        return (struct ts_bytes){0};
    return (struct ts_bytes){ts_buf_bytes(&s->host_out), s->host_out.len};
}

void proxy_host_took(struct proxy_session *s, size_t n)
{
    if (s->vault_off < s->vault_len) {
        TS_REQUIRE(n <= s->vault_len - s->vault_off);
        s->vault_off += n;
        if (s->vault_off == s->vault_len) {
            sodium_free(s->vault);
            s->vault = NULL;
            s->vault_len = s->vault_off = 0;
        }
        return;
    }
    ts_buf_consume(&s->host_out, n);
}
