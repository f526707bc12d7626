#include "sidecar/broker/proxy/http_rules.h"

#include <string.h>
#include <strings.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

/* What a decoder further on could take for the structure of the path. */
static bool is_structure(unsigned char c)
{
    return c < 0x20 || c == 0x7f || c == '/' || c == '\\' || c == '?' ||
           c == '#' || c == '%';
}

struct decoded { /* all of it, once, to see whether it is UTF-8 */
    char text[HTTP_PATH_MAX];
    size_t len;
};

static ts_err put_raw(struct http_path *p, unsigned char c)
{
    if (c <= 0x20 || c >= 0x7f || c == '?' || c == '#')
        return TS_E_FORMAT;
    if (c == '\\')
        p->ambiguous = true;
    p->text[p->len++] = (char)c;
    return TS_OK;
}

/* Into p, percent-encoding in one spelling. It never gets longer. */
static ts_err put_encoded(struct http_path *p, struct decoded *d,
                          struct ts_str raw)
{
    static const char hex[] = "0123456789ABCDEF";
    ts_err e;

    for (size_t i = 0; i < raw.len; i++) {
        int hi, lo;
        unsigned char c = (unsigned char)raw.ptr[i];

        if (c == '%') {
            if (raw.len - i < 3 || (hi = hex_value(raw.ptr[i + 1])) < 0 ||
                (lo = hex_value(raw.ptr[i + 2])) < 0)
                return TS_E_FORMAT;
            i += 2;
            c = (unsigned char)(hi * 16 + lo);
            if (is_structure(c))
                p->ambiguous = true;
            if (!is_unreserved(c)) {
                p->text[p->len++] = '%';
                p->text[p->len++] = hex[hi];
                p->text[p->len++] = hex[lo];
            } else {
                p->text[p->len++] = (char)c;
            }
        } else if ((e = put_raw(p, c)) != TS_OK) {
            return e;
        }
        d->text[d->len++] = (char)c;
    }
    return TS_OK;
}

/* "..;x" is ".." for some. An encoded ";" (%3B) is the same to them. */
static bool dots_before_semicolon(const char *seg, size_t n)
{
    size_t dots = 0;

    while (dots < n && seg[dots] == '.')
        dots++;
    if (dots < 1 || dots > 2 || dots == n)
        return false;
    return seg[dots] == ';' ||
           (n - dots >= 3 && memcmp(seg + dots, "%3B", 3) == 0);
}

/* RFC 3986 section 5.2.4, in place, with empty segments dropped first: whether
 * a server merges "//" before or after it removes dots is then the same. */
static void remove_dots(struct http_path *p)
{
    size_t to = 0, from = 0;
    bool slash_at_end = true;

    while (from < p->len) { /* at a slash */
        const char *seg = p->text + from + 1;
        size_t n = 0;

        while (from + 1 + n < p->len && seg[n] != '/')
            n++;
        slash_at_end = true;
        if (n == 2 && seg[0] == '.' && seg[1] == '.') {
            if (to == 0)
                p->ambiguous = true;
            while (to > 0 && p->text[--to] != '/')
                ;
        } else if (n > 0 && !(n == 1 && seg[0] == '.')) {
            if (dots_before_semicolon(seg, n))
                p->ambiguous = true;
            memmove(p->text + to, p->text + from, n + 1);
            to += n + 1;
            slash_at_end = false;
        }
        from += n + 1;
    }
    if (slash_at_end)
        p->text[to++] = '/';
    p->len = to;
}

ts_err http_path_read(struct ts_str raw, struct http_path *ret)
{
    struct decoded d;
    ts_err e;

    ret->len = 0;
    ret->ambiguous = false;
    d.len = 0;
    if (raw.len > HTTP_PATH_MAX)
        return TS_E_LIMIT;
    if (raw.len == 0 || raw.ptr[0] != '/')
        return TS_E_FORMAT;
    if ((e = put_encoded(ret, &d, raw)) != TS_OK)
        return e;
    if (!ts_utf8_valid(d.text, d.len))
        ret->ambiguous = true;
    remove_dots(ret);
    ret->text[ret->len] = '\0';
    return TS_OK;
}

static ts_err read_port(struct ts_str digits, uint16_t *ret)
{
    uint32_t v = 0;

    if (digits.len == 0 || digits.len > 5)
        return TS_E_FORMAT;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return TS_E_FORMAT;
        v = v * 10 + (uint32_t)(digits.ptr[i] - '0');
    }
    if (v == 0 || v > UINT16_MAX)
        return TS_E_FORMAT;
    *ret = (uint16_t)v;
    return TS_OK;
}

ts_err http_host_read(struct ts_str raw, struct http_target *ret)
{
    struct http_target t = {.path = TS_STR_LIT("/"), .query = TS_STR_LIT("")};
    size_t end = 0;
    ts_err e;

    if (raw.len > 0 && raw.ptr[0] == '[') {
        while (end < raw.len && raw.ptr[end] != ']')
            end++;
        if (end == raw.len)
            return TS_E_FORMAT;
        end++;
    } else {
        while (end < raw.len && raw.ptr[end] != ':')
            end++;
    }
    if (end == 0)
        return TS_E_FORMAT;
    t.host = (struct ts_str){.ptr = raw.ptr, .len = end};
    if (end < raw.len) {
        if (raw.ptr[end] != ':')
            return TS_E_FORMAT;
        e = read_port(
            (struct ts_str){.ptr = raw.ptr + end + 1, .len = raw.len - end - 1},
            &t.port);
        if (e != TS_OK)
            return e;
    }
    *ret = t;
    return TS_OK;
}

ts_err http_authority_read(struct ts_str raw, struct http_target *ret,
                           const char **reterr_what)
{
    struct http_target t;

    if (http_host_read(raw, &t) != TS_OK || t.port == 0) {
        *reterr_what = "CONNECT wants HOST:PORT";
        return TS_E_FORMAT;
    }
    *ret = t;
    return TS_OK;
}

static bool take_scheme(struct ts_str *s, const char *scheme)
{
    size_t n = strlen(scheme);

    if (s->len < n || strncasecmp(s->ptr, scheme, n) != 0)
        return false;
    s->ptr += n;
    s->len -= n;
    return true;
}

ts_err http_target_read(struct ts_str raw, struct http_target *ret,
                        const char **reterr_what)
{
    struct ts_str rest = raw, authority;
    struct http_target t;
    bool https = false;
    size_t n = 0, q;

    if (take_scheme(&rest, "https://")) {
        https = true;
    } else if (!take_scheme(&rest, "http://")) {
        *reterr_what = "this is a proxy: it wants http://HOST/... or CONNECT";
        return TS_E_FORMAT;
    }
    while (n < rest.len && strchr("/?#", rest.ptr[n]) == NULL)
        n++;
    authority = (struct ts_str){.ptr = rest.ptr, .len = n};
    if (memchr(authority.ptr, '@', authority.len) != NULL) {
        *reterr_what = "a user name in the request target";
        return TS_E_FORMAT;
    }
    if (memchr(rest.ptr, '#', rest.len) != NULL) {
        *reterr_what = "a fragment in the request target";
        return TS_E_FORMAT;
    }
    if (http_host_read(authority, &t) != TS_OK) {
        *reterr_what =
            "the request target names no host, or no port behind ':'";
        return TS_E_FORMAT;
    }
    t.https = https;
    rest.ptr += n;
    rest.len -= n;
    for (q = 0; q < rest.len && rest.ptr[q] != '?'; q++)
        ;
    if (q > 0)
        t.path = (struct ts_str){.ptr = rest.ptr, .len = q};
    t.query = (struct ts_str){.ptr = rest.ptr + q, .len = rest.len - q};
    *ret = t;
    return TS_OK;
}

static bool rule_has_port(const struct manifest_host *r, uint16_t port)
{
    for (uint32_t i = 0; i < r->port_count; i++) {
        if (r->ports[i] == port)
            return true;
    }
    return false;
}

uint16_t http_port_meant(const struct manifest_network *n,
                         const struct rules_name *name,
                         const struct http_target *t)
{
    if (t->port != 0)
        return t->port;
    if (t->https)
        return 443;
    for (uint32_t i = 0; i < n->allow_count; i++) {
        const struct manifest_host *r = &n->allow[i];
        uint16_t usual = r->tls ? 443 : 80;

        if (rules_host_matches(r->host, name) && rule_has_port(r, usual))
            return usual;
    }
    return 80;
}
