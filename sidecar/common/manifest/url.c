/*
 * URLs in one spelling (RFC 3986 sections 6.2.2 and 6.2.3). Every form that
 * two readers are known to take for two different hosts is refused instead of
 * repaired: userinfo, backslashes, raw non-ASCII, encoded hosts, numbers that
 * are not dotted quads, zone ids, fragments.
 */
#include <arpa/inet.h>
#include <string.h>

#include "sidecar/common/manifest/manifest.h"

#define URL_BYTES_MAX  8192
#define URL_HOST_MAX   253
#define URL_LABEL_MAX  63
#define URL_SCHEME_MAX 32

struct out {
    char *buf; /* room for any canonical form of the input */
    size_t len;
};

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static void put(struct out *o, char c)
{
    o->buf[o->len++] = c;
}

static bool take(struct ts_str *s, const char *lit)
{
    struct ts_str want = ts_str_of(lit);

    if (!ts_str_starts(*s, want))
        return false;
    s->ptr += want.len;
    s->len -= want.len;
    return true;
}

/* Everything before the first of the given characters. */
static struct ts_str take_until(struct ts_str *s, const char *stops)
{
    size_t n = 0;
    struct ts_str head;

    while (n < s->len && strchr(stops, s->ptr[n]) == NULL)
        n++;
    head = (struct ts_str){.ptr = s->ptr, .len = n};
    s->ptr += n;
    s->len -= n;
    return head;
}

static uint16_t default_port(struct ts_str scheme)
{
    static const struct {
        const char *scheme;
        uint16_t port;
    } known[] = {{"http", 80}, {"https", 443}, {"ws", 80},
                 {"wss", 443}, {"ftp", 21},    {"ssh", 22}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (ts_str_eq_c(scheme, known[i].scheme))
            return known[i].port;
    }
    return 0;
}

static ts_err put_scheme(struct out *o, struct ts_str *rest)
{
    struct ts_str s = take_until(rest, ":");

    if (s.len == 0 || s.len > URL_SCHEME_MAX || !is_alpha(s.ptr[0]) ||
        !take(rest, "://"))
        return TS_E_INVALID;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!is_alpha(c) && !is_digit(c) && strchr("+-.", c) == NULL)
            return TS_E_INVALID;
        put(o, lower(c));
    }
    return TS_OK;
}

static ts_err put_ipv6(struct out *o, struct ts_str *authority)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    struct ts_str s;

    (void)take(authority, "[");
    s = take_until(authority, "]");
    if (!take(authority, "]") || s.len == 0 || s.len >= sizeof(text))
        return TS_E_INVALID;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    if (inet_pton(AF_INET6, text, &addr) != 1 ||
        inet_ntop(AF_INET6, &addr, text, sizeof(text)) == NULL)
        return TS_E_INVALID;
    put(o, '[');
    for (size_t i = 0; text[i] != '\0'; i++)
        put(o, text[i]);
    put(o, ']');
    return TS_OK;
}

static bool label_is_valid(struct ts_str l)
{
    if (l.len == 0 || l.len > URL_LABEL_MAX || l.ptr[0] == '-' ||
        l.ptr[l.len - 1] == '-')
        return false;
    for (size_t i = 0; i < l.len; i++) {
        if (!is_alpha(l.ptr[i]) && !is_digit(l.ptr[i]) && l.ptr[i] != '-')
            return false;
    }
    return true;
}

/* Some readers take "127.1", "0x7f.1" or "2130706433" for an address. */
static bool label_looks_numeric(struct ts_str l)
{
    if (l.len >= 2 && l.ptr[0] == '0' && lower(l.ptr[1]) == 'x')
        return true;
    for (size_t i = 0; i < l.len; i++) {
        if (!is_digit(l.ptr[i]))
            return false;
    }
    return l.len > 0;
}

static ts_err put_name(struct out *o, struct ts_str host)
{
    struct ts_str rest, last = {.ptr = "", .len = 0};
    char text[URL_HOST_MAX + 1];
    struct in_addr addr;

    if (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--; /* the root of the DNS, said or not */
    if (host.len == 0 || host.len > URL_HOST_MAX)
        return TS_E_INVALID;
    for (rest = host;;) {
        last = take_until(&rest, ".");
        if (!label_is_valid(last))
            return TS_E_INVALID;
        if (!take(&rest, "."))
            break;
    }
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (label_looks_numeric(last) && inet_pton(AF_INET, text, &addr) != 1)
        return TS_E_INVALID;
    for (size_t i = 0; i < host.len; i++)
        put(o, lower(host.ptr[i]));
    return TS_OK;
}

static ts_err read_port(struct ts_str *authority, uint16_t *io_port)
{
    uint32_t v = 0;

    if (authority->len == 0)
        return TS_OK;
    if (!take(authority, ":") || authority->len > 5)
        return TS_E_INVALID;
    for (size_t i = 0; i < authority->len; i++) {
        if (!is_digit(authority->ptr[i]))
            return TS_E_INVALID;
        v = v * 10 + (uint32_t)(authority->ptr[i] - '0');
    }
    if (authority->len == 0)
        return TS_OK; /* "host:" is "host" */
    if (v == 0 || v > UINT16_MAX)
        return TS_E_INVALID;
    *io_port = (uint16_t)v;
    return TS_OK;
}

static void put_port(struct out *o, uint16_t port)
{
    char digits[5];
    size_t n = 0;

    put(o, ':');
    do {
        digits[n++] = (char)('0' + port % 10);
        port = (uint16_t)(port / 10);
    } while (port > 0);
    while (n > 0)
        put(o, digits[--n]);
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(char c)
{
    return is_alpha(c) || is_digit(c) || (c != '\0' && strchr("-._~", c));
}

/* Percent-encoding in one spelling: unreserved characters bare, the rest in
 * upper-case hex. "%2e%2e" becomes ".." here and falls to the dot rule. */
static ts_err put_encoded(struct out *o, struct ts_str s, const char *extra)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        int hi, lo;

        if (c != '%') {
            if (c == '\0' ||
                (!is_unreserved(c) && strchr("!$&'()*+,;=:@/", c) == NULL &&
                 strchr(extra, c) == NULL))
                return TS_E_INVALID;
            put(o, c);
            continue;
        }
        if (s.len - i < 3 || (hi = hex_value(s.ptr[i + 1])) < 0 ||
            (lo = hex_value(s.ptr[i + 2])) < 0)
            return TS_E_INVALID;
        i += 2;
        c = (char)(hi * 16 + lo);
        if (c == '\0')
            return TS_E_INVALID;
        if (is_unreserved(c)) {
            put(o, c);
            continue;
        }
        put(o, '%');
        put(o, hex[hi]);
        put(o, hex[lo]);
    }
    return TS_OK;
}

/* RFC 3986 section 5.2.4 on the bytes from start to the end, in place. The
 * path starts with a slash; ".." at the top stays at the top. */
static void remove_dots(struct out *o, size_t start)
{
    size_t end = o->len, to = start, from = start;

    while (from < end) { /* at a slash */
        size_t seg = from + 1, n = 0;

        while (seg + n < end && o->buf[seg + n] != '/')
            n++;
        if (n == 1 && o->buf[seg] == '.') {
            if (seg + n == end)
                o->buf[to++] = '/';
        } else if (n == 2 && o->buf[seg] == '.' && o->buf[seg + 1] == '.') {
            while (to > start && o->buf[--to] != '/')
                ;
            if (seg + n == end)
                o->buf[to++] = '/';
        } else {
            memmove(o->buf + to, o->buf + from, n + 1);
            to += n + 1;
        }
        from = seg + n;
    }
    if (to == start)
        o->buf[to++] = '/';
    o->len = to;
}

static ts_err put_path(struct out *o, struct ts_str rest, size_t *ret_path_end)
{
    struct ts_str path = take_until(&rest, "?");
    size_t start = o->len;
    ts_err e;

    if (path.len == 0)
        put(o, '/');
    if ((e = put_encoded(o, path, "")) != TS_OK)
        return e;
    remove_dots(o, start);
    *ret_path_end = o->len;
    if (rest.len == 0)
        return TS_OK;
    put(o, '?');
    rest.ptr++;
    rest.len--;
    return put_encoded(o, rest, "?");
}

static struct ts_str slice(const struct out *o, size_t from, size_t to)
{
    return (struct ts_str){.ptr = o->buf + from, .len = to - from};
}

ts_err url_canonical(struct ts_str url, struct ts_arena *arena,
                     struct url_parts *ret)
{
    size_t host_at, host_end, path_at, path_end = 0;
    struct ts_str authority;
    struct url_parts u = {0};
    struct out o = {0};
    uint16_t usual;
    void *p;
    ts_err e;

    if (url.len > URL_BYTES_MAX)
        return TS_E_LIMIT;
    /* an IPv6 address can grow when it is written again */
    e = ts_arena_alloc(arena, url.len + INET6_ADDRSTRLEN + 16, &p);
    if (e != TS_OK)
        return e;
    o.buf = p;
    if ((e = put_scheme(&o, &url)) != TS_OK)
        return e;
    u.scheme = slice(&o, 0, o.len);
    put(&o, ':');
    put(&o, '/');
    put(&o, '/');
    host_at = o.len;
    authority = take_until(&url, "/?#");
    if (authority.len > 0 && authority.ptr[0] == '[')
        e = put_ipv6(&o, &authority);
    else
        e = put_name(&o, take_until(&authority, ":"));
    host_end = o.len;
    u.port = usual = default_port(u.scheme);
    if (e != TS_OK || (e = read_port(&authority, &u.port)) != TS_OK)
        return e;
    if (u.port != usual)
        put_port(&o, u.port);
    path_at = o.len;
    if ((e = put_path(&o, url, &path_end)) != TS_OK)
        return e;
    o.buf[o.len] = '\0';
    u.host = slice(&o, host_at, host_end);
    u.path = slice(&o, path_at, path_end);
    u.url = slice(&o, 0, o.len);
    *ret = u;
    return TS_OK;
}
