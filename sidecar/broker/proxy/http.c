/*
 * HTTP to the proxy: from a head to a wish for a host, and from a host to the
 * head that goes there. What cannot be said in one way only is refused.
 */
#include <sodium.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/broker/proxy/session_priv.h"

#define TO_TUNNEL                                                              \
    "Use CONNECT or SOCKS5, to a host whose rule has no methods, paths or "    \
    "tls."

static void malformed(struct proxy_session *s, const char *what)
{
    session_refuse(s, 400, EGRESS_MALFORMED, what, "", true);
}

static bool keep_host(struct proxy_session *s, struct ts_str host)
{
    if (host.len >= sizeof(s->host_text))
        return false;
    memcpy(s->host_text, host.ptr, host.len);
    s->host_len = host.len;
    return true;
}

/* The Host field says the same as the target, or is not there (HTTP/1.0). */
static bool host_field_agrees(const struct proxy_session *s,
                              const struct http_target *t, uint16_t usual)
{
    const struct http_field *f = http_field_find(s->request, "host");
    struct rules_name said, meant;
    struct http_target field;

    if (f == NULL)
        return true;
    if (http_host_read(f->value, &field) != TS_OK ||
        rules_name_read(field.host, &said) != EGRESS_OK ||
        rules_name_read(t->host, &meant) != EGRESS_OK)
        return false;
    return strcmp(said.text, meant.text) == 0 &&
           (field.port != 0 ? field.port : usual) ==
               (t->port != 0 ? t->port : usual);
}

static void head_connect(struct proxy_session *s)
{
    const char *what;
    struct http_target t;
    struct rules_name name;

    s->via = EGRESS_VIA_CONNECT;
    if (http_authority_read(s->request->target, &t, &what) != TS_OK) {
        malformed(s, what);
        return;
    }
    s->port = t.port;
    if (!keep_host(s, t.host) || rules_name_read(t.host, &name) != EGRESS_OK) {
        session_refuse(s, 400, EGRESS_NAME_INVALID, "", "", true);
        return;
    }
    if (s->request->framing != HTTP_BODY_NONE && s->request->length > 0) {
        malformed(s, "CONNECT with a body");
        return;
    }
    /* HTTP/1.1 wants the port in it; not everybody writes it */
    if (!host_field_agrees(s, &t, t.port)) {
        malformed(s, "the Host field is not the host of the request target");
        return;
    }
    session_dial(s, EGRESS_VIA_CONNECT);
}

/* What no rule can allow. */
static bool request_refused(struct proxy_session *s)
{
    const struct http_field *up = http_field_find(s->request, "upgrade");
    const struct http_field *expect = http_field_find(s->request, "expect");

    if (http_name_eq(s->request->method, "TRACE")) {
        session_refuse(s, 405, EGRESS_METHOD_DENIED,
                       "TRACE would show what is added to requests", "", true);
        return true;
    }
    if (up != NULL && !http_name_eq(up->value, "h2c")) {
        session_refuse(s, 403, EGRESS_METHOD_DENIED,
                       "a forwarded request cannot change its protocol "
                       "(Upgrade, WebSocket)",
                       TO_TUNNEL, true);
        return true;
    }
    if (expect != NULL && !http_name_eq(expect->value, "100-continue")) {
        session_refuse(s, 417, EGRESS_MALFORMED, "an Expect that is unknown",
                       "", true);
        return true;
    }
    return false;
}

/* What a rule that was found does not allow. */
static bool rule_refuses(struct proxy_session *s,
                         const struct manifest_host *rule, bool deny)
{
    if (s->path->ambiguous && rule->path_count > 0) {
        session_refuse(s, 403, EGRESS_PATH_DENIED,
                       "servers do not agree what this path means (encoded "
                       "slashes, percent signs, dots above the root..)",
                       "Write the path plainly: this host's rule has `paths:`.",
                       deny);
        return true;
    }
    if (s->target.https && !rule->tls) {
        session_refuse(s, 403, EGRESS_METHOD_DENIED,
                       "https:// to a proxy is for a host whose rule has tls",
                       TO_TUNNEL, deny);
        return true;
    }
    if (inject_applies(s->inject, rule) && !rule->tls) {
        session_refuse(s, 403, EGRESS_METHOD_DENIED,
                       "a secret is added to requests for this host, and that "
                       "only goes through TLS",
                       "Set `tls: true` in the host's entry of network.allow.",
                       deny);
        return true;
    }
    return false;
}

static void choose_host(struct proxy_session *s)
{
    const struct manifest_host *rule = NULL;
    struct rules_want w = {.name = &s->name,
                           .port = s->port,
                           .method = s->request->method,
                           .path = proxy_path(s)};

    if (rules_find(s->network, &w, &rule) != EGRESS_OK) {
        session_dial(s, EGRESS_VIA_HTTP); /* it says and records why not */
        return;
    }
    if (rule_refuses(s, rule, true))
        return;
    /* Every request is checked; only one that the same rule allows goes on
     * over the connection that is there. */
    if (s->rule == rule && !s->host_ended && s->host_port == s->port &&
        strcmp(s->host_name.text, s->name.text) == 0) {
        s->reused = true;
        session_http_begin(s);
        return;
    }
    session_dial(s, EGRESS_VIA_HTTP);
}

static bool query_ok(struct ts_str q)
{
    for (size_t i = 0; i < q.len; i++) {
        if (q.ptr[i] <= 0x20 || q.ptr[i] >= 0x7f)
            return false;
    }
    return true;
}

static void head_forward(struct proxy_session *s)
{
    const char *what;

    s->via = EGRESS_VIA_HTTP;
    s->path->len = 0;
    if (http_target_read(s->request->target, &s->target, &what) != TS_OK) {
        malformed(s, what);
        return;
    }
    s->port = s->target.port;
    if (!keep_host(s, s->target.host) ||
        rules_name_read(s->target.host, &s->name) != EGRESS_OK) {
        session_refuse(s, 400, EGRESS_NAME_INVALID, "", "", true);
        return;
    }
    s->port = http_port_meant(s->network, &s->name, &s->target);
    if (http_path_read(s->target.path, s->path) != TS_OK ||
        !query_ok(s->target.query)) {
        s->path->len = 0;
        malformed(s, "the path is too long, or holds what no URL does");
        return;
    }
    if (!host_field_agrees(s, &s->target, s->target.https ? 443 : 80)) {
        malformed(s, "the Host field is not the host of the request target");
        return;
    }
    if (!request_refused(s))
        choose_host(s);
}

static void forget_request(struct proxy_session *s)
{
    s->via = EGRESS_VIA_HTTP;
    s->host_len = 0;
    s->port = 0;
    s->path->len = 0;
    s->head_seen = 0;
    s->request->method = TS_STR_LIT("");
    ts_buf_clear(&s->head_bytes);
}

void session_http_head(struct proxy_session *s)
{
    const char *what = "";
    size_t len = 0;
    ts_err e;

    if (s->host_in.len > 0) /* words of a host that was not asked */
        session_drop_host(s, true);
    if (s->head_seen == 0)
        forget_request(s);
    while (s->head_seen == 0 && s->tool_in.len >= 2 &&
           memcmp(ts_buf_bytes(&s->tool_in), "\r\n", 2) == 0)
        ts_buf_consume(&s->tool_in, 2); /* RFC 9112 section 2.2 */
    if (s->tool_in.len == 0)
        return;
    e = http_head_end(ts_buf_bytes(&s->tool_in), s->tool_in.len, &s->head_seen,
                      &len);
    if (e == TS_E_AGAIN)
        return;
    s->head_seen = 0;
    if (e != TS_OK) {
        session_refuse(s, 431, EGRESS_MALFORMED,
                       "the head of the request is too long", "", true);
        return;
    }
    e = ts_buf_append(&s->head_bytes, ts_buf_bytes(&s->tool_in), len);
    if (e != TS_OK) {
        proxy_abort(s);
        return;
    }
    ts_buf_consume(&s->tool_in, len);
    s->requests++;
    e = http_request_read(&s->up, ts_buf_bytes(&s->head_bytes), len, s->request,
                          &what);
    if (e != TS_OK) {
        s->request->method = TS_STR_LIT("");
        session_refuse(s, e == TS_E_LIMIT ? 431 : 400, EGRESS_MALFORMED, what,
                       "", true);
        return;
    }
    if (http_name_eq(s->request->method, "CONNECT"))
        head_connect(s);
    else
        head_forward(s);
}

/* A head with a secret in it stands in guarded memory until it is sent. */
static ts_err write_head(struct proxy_session *s)
{
    struct http_request r = {.head = s->request,
                             .name = &s->name,
                             .port = s->port,
                             .path = s->rule->path_count > 0 ? proxy_path(s)
                                                             : s->target.path,
                             .query = s->target.query,
                             .rule = s->rule,
                             .inject = s->inject};
    size_t cap = HTTP_WRITTEN_MAX + inject_room(s->inject, s->rule);
    uint8_t *to;
    ts_err e;

    if (inject_applies(s->inject, s->rule)) {
        s->vault = sodium_malloc(cap);
        if (s->vault == NULL)
            return TS_E_NOMEM;
        s->vault_len = http_request_write(&r, s->vault, cap);
        return TS_OK;
    }
    if ((e = ts_buf_reserve(&s->host_out, cap, &to)) == TS_OK)
        ts_buf_grew(&s->host_out, http_request_write(&r, to, cap));
    return e;
}

void session_http_begin(struct proxy_session *s)
{
    static const char good[] = "HTTP/1.1 200 Connection established\r\n\r\n";

    if (s->via == EGRESS_VIA_CONNECT) {
        if (ts_buf_append(&s->tool_out, good, sizeof(good) - 1) != TS_OK)
            proxy_abort(s);
        else
            s->state = PROXY_TUNNEL;
        return;
    }
    if (rule_refuses(s, s->rule, true))
        return;
    TS_REQUIRE(s->vault == NULL && s->host_out.len == 0);
    s->host_name = s->name;
    s->host_port = s->port;
    s->request_done = s->up.done;
    s->answer_begun = s->answer_done = s->said_continue = false;
    s->keep = s->request->keep_alive;
    s->state = PROXY_EXCHANGE;
    s->passed++;
    if (write_head(s) != TS_OK)
        proxy_abort(s);
}
