#include "sidecar/broker/proxy/http_forward.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/base/ts_require.h"

struct pen {
    uint8_t *out;
    size_t len, cap;
};

static void put(struct pen *p, const void *bytes, size_t len)
{
    TS_REQUIRE(len <= p->cap - p->len); /* cap is for the longest */
    if (len > 0)
        memcpy(p->out + p->len, bytes, len);
    p->len += len;
}

static void put_str(struct pen *p, struct ts_str s)
{
    put(p, s.ptr, s.len);
}

static void put_c(struct pen *p, const char *s)
{
    put(p, s, strlen(s));
}

static void put_number(struct pen *p, uint64_t n)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)n);

    TS_REQUIRE(len > 0);
    put(p, text, (size_t)len);
}

static void put_field(struct pen *p, const struct http_field *f)
{
    put_str(p, f->name);
    put_c(p, ": ");
    put_str(p, f->value);
    put_c(p, "\r\n");
}

static bool name_in(struct ts_str name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (http_name_eq(name, list[i]))
            return true;
    }
    return false;
}

/* For one neighbour only, by name or because Connection says so. Framing is
 * written by us. */
static bool stays_here(const struct http_head *h, struct ts_str name)
{
    static const char *const hop[] = {"connection",
                                      "keep-alive",
                                      "proxy-connection",
                                      "proxy-authenticate",
                                      "proxy-authorization",
                                      "te",
                                      "trailer",
                                      "transfer-encoding",
                                      "upgrade",
                                      "content-length",
                                      "http2-settings",
                                      "proxy-authentication-info"};

    if (name_in(name, hop, sizeof(hop) / sizeof(hop[0])))
        return true;
    for (uint32_t i = 0; i < h->field_count; i++) {
        if (http_name_eq(h->fields[i].name, "connection") &&
            http_list_has(h->fields[i].value, name))
            return true;
    }
    return false;
}

static bool request_drops(const struct http_request *r, struct ts_str name,
                          bool secret)
{
    static const char *const ours[] = {"host", "expect"};
    /* of an answer that is looked through: whole, and not compressed */
    static const char *const looked[] = {"accept-encoding", "range",
                                         "if-range"};

    return stays_here(r->head, name) ||
           name_in(name, ours, sizeof(ours) / sizeof(ours[0])) ||
           (secret &&
            name_in(name, looked, sizeof(looked) / sizeof(looked[0]))) ||
           inject_replaces(r->inject, r->rule, name);
}

static void put_framing(struct pen *p, enum http_framing f, uint64_t length)
{
    if (f == HTTP_BODY_CHUNKED)
        put_c(p, "Transfer-Encoding: chunked\r\n");
    if (f == HTTP_BODY_LENGTH) {
        put_c(p, "Content-Length: ");
        put_number(p, length);
        put_c(p, "\r\n");
    }
}

static void put_host(struct pen *p, const struct http_request *r)
{
    bool v6 = r->name->is_address && strchr(r->name->text, ':') != NULL;

    put_c(p, v6 ? "Host: [" : "Host: ");
    put(p, r->name->text, r->name->len);
    put_c(p, v6 ? "]" : "");
    if (r->port != (r->rule->tls ? 443 : 80)) {
        put_c(p, ":");
        put_number(p, r->port);
    }
    put_c(p, "\r\n");
}

size_t http_request_write(const struct http_request *r, uint8_t *out,
                          size_t cap)
{
    struct pen p = {.out = out, .cap = cap};
    bool secret = inject_applies(r->inject, r->rule);
    const struct http_head *h = r->head;

    put_str(&p, h->method);
    put_c(&p, " ");
    put_str(&p, r->path);
    put_str(&p, r->query);
    put_c(&p, " HTTP/1.1\r\n");
    put_host(&p, r);
    for (uint32_t i = 0; i < h->field_count; i++) {
        if (!request_drops(r, h->fields[i].name, secret))
            put_field(&p, &h->fields[i]);
    }
    if (secret) {
        put_c(&p, "Accept-Encoding: identity\r\n");
        p.len += inject_write(r->inject, r->rule, out + p.len, cap - p.len);
    }
    if (h->minor == 1 && http_field_find(h, "expect") != NULL)
        put_c(&p, "Expect: 100-continue\r\n");
    put_framing(&p, h->framing, h->length);
    put_c(&p, "\r\n");
    return p.len;
}

enum http_framing http_response_framing(const struct http_response *r)
{
    if (r->bodyless)
        return HTTP_BODY_NONE;
    if (r->head->framing == HTTP_BODY_LENGTH &&
        (!r->scanned || r->head->length == 0))
        return HTTP_BODY_LENGTH;
    return r->tool_minor == 1 ? HTTP_BODY_CHUNKED : HTTP_BODY_TO_EOF;
}

/* The text behind a status is for people; it is not passed on. */
static const char *reason_of(uint32_t status)
{
    switch (status) {
#define REASON(num, name, text)                                                \
    case num:                                                                  \
        return #text;
        HTTP_STATUS_MAP(REASON)
#undef REASON
    default:
        return "";
    }
}

size_t http_response_write(const struct http_response *r, uint8_t *out,
                           size_t cap)
{
    struct pen p = {.out = out, .cap = cap};
    const struct http_head *h = r->head;
    enum http_framing f = http_response_framing(r);

    put_c(&p, "HTTP/1.1 ");
    put_number(&p, h->status);
    put_c(&p, " ");
    put_c(&p, reason_of(h->status));
    put_c(&p, "\r\n");
    for (uint32_t i = 0; i < h->field_count; i++) {
        if (!stays_here(h, h->fields[i].name))
            put_field(&p, &h->fields[i]);
    }
    /* the length that a GET would have; a 204 has none */
    if (r->bodyless && h->framing == HTTP_BODY_LENGTH && h->status >= 200 &&
        h->status != 204)
        put_framing(&p, HTTP_BODY_LENGTH, h->length);
    put_framing(&p, f, h->length);
    if (h->status >= 200 && (r->close || f == HTTP_BODY_TO_EOF))
        put_c(&p, "Connection: close\r\n");
    else if (h->status >= 200 && r->tool_minor == 0)
        put_c(&p, "Connection: keep-alive\r\n");
    put_c(&p, "\r\n");
    return p.len;
}

ts_err http_body_put(struct ts_buf *out, enum http_framing f,
                     const uint8_t *bytes, size_t len)
{
    char head[20];
    ts_err e;
    int n;

    if (len == 0 || f == HTTP_BODY_NONE)
        return TS_OK;
    if (f != HTTP_BODY_CHUNKED)
        return ts_buf_append(out, bytes, len);
    n = snprintf(head, sizeof(head), "%zx\r\n", len);
    TS_REQUIRE(n > 0);
    if ((e = ts_buf_append(out, head, (size_t)n)) != TS_OK ||
        (e = ts_buf_append(out, bytes, len)) != TS_OK)
        return e;
    return ts_buf_append(out, "\r\n", 2);
}

ts_err http_body_end(struct ts_buf *out, enum http_framing f)
{
    return f == HTTP_BODY_CHUNKED ? ts_buf_append(out, "0\r\n\r\n", 5) : TS_OK;
}

ts_err http_refusal_write(const struct http_refusal *r, struct ts_buf *out)
{
    char body[1536], head[512], host[512] = "", method[64] = "", port[8] = "";
    const char *what = r->what[0] != '\0' ? r->what : egress_code_text(r->code);
    int n, len;
    ts_err e;

    (void)ts_str_escape(host, sizeof(host), r->host.ptr, r->host.len);
    (void)ts_str_escape(method, sizeof(method), r->method.ptr, r->method.len);
    if (r->port != 0)
        (void)snprintf(port, sizeof(port), ":%u", r->port);
    len = snprintf(body, sizeof(body), "tipstaff: %s%s%s%s: %s (%s)\n%s%s",
                   method, method[0] != '\0' ? " " : "",
                   host[0] != '\0' ? host : "request", port, what,
                   egress_code_name(r->code), r->remedy,
                   r->remedy[0] != '\0' ? "\n" : "");
    TS_REQUIRE(len > 0 && (size_t)len < sizeof(body));
    n = snprintf(head, sizeof(head),
                 "HTTP/1.1 %u %s\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\n"
                 "Content-Length: %d\r\n"
                 "Cache-Control: no-store\r\n"
                 "Proxy-Status: tipstaff; error=%s; details=\"%s\"\r\n"
                 "Connection: close\r\n\r\n",
                 r->status, reason_of(r->status), len,
                 r->status == 403 ? "http_request_denied"
                                  : "proxy_internal_response",
                 egress_code_name(r->code));
    TS_REQUIRE(n > 0 && (size_t)n < sizeof(head));
    if ((e = ts_buf_append(out, head, (size_t)n)) != TS_OK || r->bodyless)
        return e;
    return ts_buf_append(out, body, (size_t)len);
}

uint32_t http_status_of(enum egress_code code)
{
    switch (code) {
    case EGRESS_HOST_DENIED:
    case EGRESS_PORT_DENIED:
    case EGRESS_METHOD_DENIED:
    case EGRESS_PATH_DENIED:
    case EGRESS_ADDRESS_DENIED:
    case EGRESS_BYTES_SPENT:
    case EGRESS_ENDED:
        return 403;
    case EGRESS_MALFORMED:
    case EGRESS_NAME_INVALID:
        return 400;
    case EGRESS_TIMED_OUT:
        return 504;
    case EGRESS_TOO_MANY:
    case EGRESS_NOT_RECORDED:
        return 503;
    case EGRESS_NAME_UNKNOWN:
    case EGRESS_NAME_FAILED:
    case EGRESS_REFUSED:
    case EGRESS_UNREACHABLE:
    case EGRESS_TLS_FAILED:
        return 502;
    case EGRESS_INTERNAL:
    case EGRESS_OK:
    case EGRESS_CODE_COUNT_:
        break;
    }
    return 500;
}

const char *http_remedy_of(enum egress_code code)
{
    switch (code) {
    case EGRESS_HOST_DENIED:
        return "Add the host to network.allow of the tool's manifest.";
    case EGRESS_PORT_DENIED:
        return "Add the port to the host's `ports:` in network.allow of the "
               "tool's manifest.";
    case EGRESS_METHOD_DENIED:
        return "Add the method to the host's `methods:` in network.allow of "
               "the tool's manifest.";
    case EGRESS_PATH_DENIED:
        return "Add a glob for the path to the host's `paths:` in "
               "network.allow of the tool's manifest.";
    case EGRESS_ADDRESS_DENIED:
        return "If the address is meant, add it to the host's `addresses:` in "
               "network.allow of the tool's manifest.";
    case EGRESS_TOO_MANY:
        return "Close connections, or raise network.max_connections of the "
               "tool's manifest.";
    case EGRESS_BYTES_SPENT:
        return "Raise network.max_bytes of the tool's manifest.";
    case EGRESS_TLS_FAILED:
        return "The host's certificate must be valid, name the host and chain "
               "to the sidecar's trust store.";
    case EGRESS_INTERNAL:
    case EGRESS_OK:
    case EGRESS_MALFORMED:
    case EGRESS_NAME_INVALID:
    case EGRESS_NAME_UNKNOWN:
    case EGRESS_NAME_FAILED:
    case EGRESS_REFUSED:
    case EGRESS_UNREACHABLE:
    case EGRESS_TIMED_OUT:
    case EGRESS_NOT_RECORDED:
    case EGRESS_ENDED:
    case EGRESS_CODE_COUNT_:
        break;
    }
    return "";
}
