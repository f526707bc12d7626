/*
 * Reads HTTP/1 heads and bodies with libhttp-parser, and refuses the messages
 * that it is too kind to. No decision about who may reach what is made here.
 */
#include "sidecar/broker/proxy/http_head.h"

#include <string.h>
#include <strings.h>

#include "proto/base/ts_require.h"

bool http_name_eq(struct ts_str name, const char *want)
{
    return name.len == strlen(want) &&
           strncasecmp(name.ptr, want, name.len) == 0;
}

const struct http_field *http_field_find(const struct http_head *h,
                                         const char *name)
{
    for (uint32_t i = 0; i < h->field_count; i++) {
        if (http_name_eq(h->fields[i].name, name))
            return &h->fields[i];
    }
    return NULL;
}

uint32_t http_field_count(const struct http_head *h, const char *name)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < h->field_count; i++)
        n += http_name_eq(h->fields[i].name, name);
    return n;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

bool http_list_has(struct ts_str list, struct ts_str token)
{
    size_t at = 0;

    while (at < list.len) {
        size_t end = at, stop;

        while (end < list.len && list.ptr[end] != ',')
            end++;
        while (at < end && is_space(list.ptr[at]))
            at++;
        stop = at;
        while (stop < end && !is_space(list.ptr[stop]) && list.ptr[stop] != ';')
            stop++;
        if (stop - at == token.len && token.len > 0 &&
            strncasecmp(list.ptr + at, token.ptr, token.len) == 0)
            return true;
        at = end + 1;
    }
    return false;
}

ts_err http_head_end(const uint8_t *bytes, size_t len, size_t *io_from,
                     size_t *ret_len)
{
    size_t from = *io_from;

    for (; from + 4 <= len && from + 4 <= HTTP_HEAD_MAX; from++) {
        if (memcmp(bytes + from, "\r\n\r\n", 4) == 0) {
            *ret_len = from + 4;
            return TS_OK;
        }
    }
    *io_from = from;
    return len >= HTTP_HEAD_MAX ? TS_E_LIMIT : TS_E_AGAIN;
}

/* Every line ends in CRLF and nothing else is a line end for anybody. */
static const char *lines_refused(const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool after_cr = i > 0 && b[i - 1] == '\r';

        if (b[i] == '\n' && !after_cr)
            return "a line ends in a bare LF";
        if (b[i] != '\n' && after_cr)
            return "a CR stands alone";
        if (b[i] == '\0')
            return "a NUL byte";
        if ((b[i] == ' ' || b[i] == '\t') && i > 0 && b[i - 1] == '\n')
            return "a field is folded over lines";
    }
    return NULL;
}

static int refuse(struct http_message *m, ts_err e, const char *why)
{
    m->err = e;
    m->why = why;
    return -1;
}

static int on_url(http_parser *p, const char *at, size_t len)
{
    struct http_message *m = p->data;

    if (len > HTTP_TARGET_MAX)
        return refuse(m, TS_E_LIMIT, "the request target is too long");
    m->head->target = (struct ts_str){.ptr = at, .len = len};
    return 0;
}

/* The head is given to the parser in one piece, so a name or value comes in one
 * piece, too; trailers come later and are not asked for. */
static int on_field(http_parser *p, const char *at, size_t len)
{
    struct http_message *m = p->data;
    struct http_head *h = m->head;

    if (m->head_done)
        return 0;
    if (h->field_count == HTTP_FIELDS_MAX)
        return refuse(m, TS_E_LIMIT, "too many header fields");
    if (m->value_follows)
        return refuse(m, TS_E_FORMAT, "a field without a value");
    for (size_t i = 0; i < len; i++) {
        if (is_space(at[i]))
            return refuse(m, TS_E_FORMAT, "a space in a field's name");
    }
    h->fields[h->field_count].name = (struct ts_str){.ptr = at, .len = len};
    m->value_follows = true;
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
    struct http_message *m = p->data;
    struct http_head *h = m->head;

    if (m->head_done)
        return 0;
    if (!m->value_follows)
        return refuse(m, TS_E_FORMAT, "a value without a field");
    while (len > 0 && is_space(at[len - 1]))
        len--;
    h->fields[h->field_count].value =
        (struct ts_str){.ptr = len > 0 ? at : "", .len = len};
    h->field_count++;
    m->value_follows = false;
    return 0;
}

static int on_headers(http_parser *p)
{
    struct http_message *m = p->data;

    m->head_done = true;
    if (p->type == HTTP_RESPONSE &&
        (p->status_code / 100 == 1 || p->status_code == 204 ||
         p->status_code == 304))
        m->bodyless = true;
    m->head->keep_alive = http_should_keep_alive(p) != 0;
    return m->bodyless ? 1 : 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
    struct http_message *m = p->data;

    m->err = m->sink(m->sink_ctx, (const uint8_t *)at, len);
    return m->err == TS_OK ? 0 : -1;
}

static int on_complete(http_parser *p)
{
    struct http_message *m = p->data;

    m->done = true;
    http_parser_pause(p, 1); /* the next message has a parser of its own */
    return 0;
}

static const http_parser_settings callbacks = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_message_complete = on_complete};

static ts_err read_head(struct http_message *m, const uint8_t *bytes,
                        size_t len, const char **reterr_what)
{
    enum http_errno he;
    const char *why = lines_refused(bytes, len);

    if (why != NULL) {
        *reterr_what = why;
        return TS_E_FORMAT;
    }
    (void)http_parser_execute(&m->parser, &callbacks, (const char *)bytes, len);
    he = HTTP_PARSER_ERRNO(&m->parser);
    if (m->err != TS_OK) {
        *reterr_what = m->why;
        return m->err;
    }
    if ((he != HPE_OK && he != HPE_PAUSED) || !m->head_done) {
        *reterr_what =
            he != HPE_OK ? http_errno_description(he) : "the head is not whole";
        return TS_E_FORMAT;
    }
    return TS_OK;
}

/* Framing by what was read, so that it is the same for whoever is next. */
static const char *framing_refused(struct http_head *h)
{
    uint32_t lengths = http_field_count(h, "content-length");
    uint32_t codings = http_field_count(h, "transfer-encoding");
    const struct http_field *f;

    if (lengths > 1)
        return "Content-Length is there twice";
    if (codings > 1)
        return "Transfer-Encoding is there twice";
    if (lengths > 0 && codings > 0)
        return "both Content-Length and Transfer-Encoding";
    h->framing = HTTP_BODY_NONE;
    if (codings > 0) {
        f = http_field_find(h, "transfer-encoding");
        if (h->minor == 0)
            return "Transfer-Encoding in HTTP/1.0";
        if (!http_name_eq(f->value, "chunked"))
            return "a Transfer-Encoding other than chunked";
        h->framing = HTTP_BODY_CHUNKED;
    } else if (lengths > 0) {
        f = http_field_find(h, "content-length");
        if (f->value.len == 0 || f->value.len > 18)
            return "a Content-Length that is no length";
        h->length = 0;
        for (size_t i = 0; i < f->value.len; i++) {
            char c = f->value.ptr[i];

            if (c < '0' || c > '9')
                return "a Content-Length that is no length";
            h->length = h->length * 10 + (uint64_t)(c - '0');
        }
        h->framing = HTTP_BODY_LENGTH;
    }
    return NULL;
}

static void message_init(struct http_message *m, enum http_parser_type type,
                         struct http_head *head)
{
    *m = (struct http_message){.head = head};
    http_parser_init(&m->parser, type);
    m->parser.data = m;
    *head = (struct http_head){0};
}

static ts_err check_head(struct http_message *m, struct http_head *h,
                         const char **reterr_what)
{
    const char *why;

    if (m->parser.http_major != 1 || m->parser.http_minor > 1) {
        *reterr_what = "a version of HTTP other than 1.0 and 1.1";
        return TS_E_FORMAT;
    }
    h->minor = m->parser.http_minor;
    if ((why = framing_refused(h)) != NULL) {
        *reterr_what = why;
        return TS_E_FORMAT;
    }
    m->head = NULL;
    return TS_OK;
}

ts_err http_request_read(struct http_message *m, const uint8_t *bytes,
                         size_t len, struct http_head *ret,
                         const char **reterr_what)
{
    uint32_t hosts;
    ts_err e;

    message_init(m, HTTP_REQUEST, ret);
    if ((e = read_head(m, bytes, len, reterr_what)) != TS_OK ||
        (e = check_head(m, ret, reterr_what)) != TS_OK)
        return e;
    hosts = http_field_count(ret, "host");
    if (hosts > 1 || (hosts == 0 && ret->minor == 1)) {
        *reterr_what = hosts > 1 ? "Host is there twice" : "Host is missing";
        return TS_E_FORMAT;
    }
    ret->method =
        ts_str_of(http_method_str((enum http_method)m->parser.method));
    if (m->parser.method == HTTP_SOURCE) { /* its version may be "ICE/1.0" */
        *reterr_what = "a method that is not HTTP's";
        return TS_E_FORMAT;
    }
    return TS_OK;
}

ts_err http_response_read(struct http_message *m, bool to_head,
                          const uint8_t *bytes, size_t len,
                          struct http_head *ret, const char **reterr_what)
{
    ts_err e;

    message_init(m, HTTP_RESPONSE, ret);
    m->bodyless = to_head;
    if ((e = read_head(m, bytes, len, reterr_what)) != TS_OK ||
        (e = check_head(m, ret, reterr_what)) != TS_OK)
        return e;
    ret->status = m->parser.status_code;
    if (ret->status < 100 || ret->status > 599) {
        *reterr_what = "a status that is none of HTTP's";
        return TS_E_FORMAT;
    }
    if (ret->framing == HTTP_BODY_NONE && !m->bodyless)
        ret->framing = HTTP_BODY_TO_EOF;
    return TS_OK;
}

ts_err
http_message_body(struct http_message *m, const uint8_t *bytes, size_t len,
                  ts_err (*sink)(void *ctx, const uint8_t *bytes, size_t len),
                  void *ctx, size_t *ret_used)
{
    enum http_errno he;
    size_t used;

    TS_REQUIRE(!m->done);
    m->sink = sink;
    m->sink_ctx = ctx;
    m->err = TS_OK;
    used =
        http_parser_execute(&m->parser, &callbacks, (const char *)bytes, len);
    he = HTTP_PARSER_ERRNO(&m->parser);
    if (m->err != TS_OK)
        return m->err;
    if (len == 0)
        return m->done ? TS_OK : TS_E_TRUNCATED;
    if (he != HPE_OK && !(he == HPE_PAUSED && m->done))
        return TS_E_FORMAT;
    *ret_used = used;
    return TS_OK;
}
