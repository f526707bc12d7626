/*
 * Cedar's ipaddr: an address or a range. Own parser: inet_pton() takes forms
 * that Cedar refuses (IPv4 inside IPv6), and Cedar's prefix rules are its own.
 */
#include "policy/core/ext.h"

#include <string.h>

#include "policy/core/limits.h"
#include "policy/core/value.h"

struct cursor {
    const char *p, *end;
};

static bool at_digit(const struct cursor *c)
{
    return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static bool take(struct cursor *c, char want)
{
    if (c->p >= c->end || *c->p != want)
        return false;
    c->p++;
    return true;
}

/* A decimal number of at most `digits` digits, without leading zeros. */
static bool take_number(struct cursor *c, unsigned digits, unsigned max,
                        uint8_t *ret)
{
    const char *start = c->p;
    unsigned v = 0;

    while (at_digit(c) && c->p < start + digits)
        v = v * 10 + (unsigned)(*c->p++ - '0');
    if (c->p == start || at_digit(c) || v > max ||
        (*start == '0' && c->p > start + 1))
        return false;
    *ret = (uint8_t)v;
    return true;
}

static bool take_v4(struct cursor *c, uint8_t addr[16])
{
    for (size_t i = 0; i < 4; i++)
        if ((i > 0 && !take(c, '.')) || !take_number(c, 3, 255, &addr[i]))
            return false;
    return true;
}

static int hex(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    if (ch >= 'a' && ch <= 'f')
        return ch - 'a' + 10;
    return ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
}

/* One to four hex digits. */
static bool take_group(struct cursor *c, uint8_t *ret)
{
    const char *start = c->p;
    unsigned v = 0;

    while (c->p < c->end && hex(*c->p) >= 0) {
        if (c->p == start + 4)
            return false;
        v = v << 4 | (unsigned)hex(*c->p++);
    }
    if (c->p == start)
        return false;
    ret[0] = (uint8_t)(v >> 8);
    ret[1] = (uint8_t)v;
    return true;
}

/* Eight groups, or fewer around one "::" that stands for at least one. */
static bool take_v6(struct cursor *c, uint8_t addr[16])
{
    uint8_t tail[16];
    size_t n = 0, m = 0;

    while (n < 8 && c->p < c->end && *c->p != '/') {
        if (n == 0 ? *c->p == ':'
                   : (c->end - c->p >= 2 && c->p[0] == ':' && c->p[1] == ':'))
            break;
        if ((n > 0 && !take(c, ':')) || !take_group(c, addr + 2 * n))
            return false;
        n++;
    }
    if (n == 8)
        return true;
    if (!take(c, ':') || !take(c, ':'))
        return false;
    while (c->p < c->end && *c->p != '/') {
        if (n + m >= 7 || (m > 0 && !take(c, ':')) ||
            !take_group(c, tail + 2 * m))
            return false;
        m++;
    }
    memset(addr + 2 * n, 0, 16 - 2 * n);
    memcpy(addr + 16 - 2 * m, tail, 2 * m);
    return true;
}

bool cedar_ip_parse(struct ts_str s, struct cedar_ip *ret, const char **ret_why)
{
    struct cursor c = {.p = s.ptr, .end = s.ptr + s.len};
    struct cedar_ip ip = {0};

    *ret_why = "expected an IPv4 or IPv6 address, with an optional /prefix";
    if (s.len == 0 || s.len > CEDAR_IP_TEXT_MAX)
        return false;
    ip.v6 = memchr(s.ptr, ':', s.len) != NULL;
    if (!(ip.v6 ? take_v6(&c, ip.addr) : take_v4(&c, ip.addr)))
        return false;
    ip.prefix = ip.v6 ? 128 : 32;
    if (take(&c, '/') &&
        !take_number(&c, ip.v6 ? 3 : 2, ip.v6 ? 128 : 32, &ip.prefix))
        return false;
    if (c.p != c.end)
        return false;
    *ret = ip;
    return true;
}

ts_err cedar_ipaddr(struct ts_str text, struct cedar_value *ret)
{
    const char *why;
    struct cedar_ip ip;

    if (!cedar_ip_parse(text, &ip, &why))
        return TS_E_FORMAT;
    *ret = (struct cedar_value){.kind = CEDAR_IPADDR, .as.ip = ip};
    return TS_OK;
}

/* "isLoopback(): true if all addresses of the range are loopback": a range
 * wider than the block itself is not. ::ffff:7f00:1 is no loopback address. */
static bool is_loopback(const struct cedar_ip *ip)
{
    static const uint8_t v6_loopback[16] = {[15] = 1};

    if (ip->v6)
        return ip->prefix == 128 && memcmp(ip->addr, v6_loopback, 16) == 0;
    return ip->prefix >= 8 && ip->addr[0] == 127;
}

/* 224.0.0.0/4 and ff00::/8; again the range must lie inside. */
static bool is_multicast(const struct cedar_ip *ip)
{
    if (ip->v6)
        return ip->prefix >= 8 && ip->addr[0] == 0xFF;
    return ip->prefix >= 4 && (ip->addr[0] & 0xF0) == 0xE0;
}

/* "isInRange(): true if the receiver lies within the argument's range". */
static bool in_range(const struct cedar_ip *a, const struct cedar_ip *b)
{
    size_t whole = b->prefix / 8;
    unsigned rest = b->prefix % 8;

    if (a->v6 != b->v6 || a->prefix < b->prefix)
        return false;
    if (memcmp(a->addr, b->addr, whole) != 0)
        return false;
    return rest == 0 ||
           (a->addr[whole] >> (8 - rest)) == (b->addr[whole] >> (8 - rest));
}

bool cedar_ext_ip(enum cedar_ext fn, const struct cedar_value *args,
                  struct cedar_value *ret, struct cedar_fault *f)
{
    const char *why;
    struct cedar_ip ip;

    if (fn == CEDAR_EXT_IP) {
        if (!cedar_ext_need(&args[0], CEDAR_STRING, f))
            return false;
        if (!cedar_ip_parse(args[0].as.string, &ip, &why)) {
            cedar_ext_bad_text(f, "ipaddr", args[0].as.string, why);
            return false;
        }
        *ret = (struct cedar_value){.kind = CEDAR_IPADDR, .as.ip = ip};
        return true;
    }
    if (!cedar_ext_need(&args[0], CEDAR_IPADDR, f) ||
        (fn == CEDAR_EXT_IS_IN_RANGE &&
         !cedar_ext_need(&args[1], CEDAR_IPADDR, f)))
        return false;
    if (fn == CEDAR_EXT_IS_IPV4)
        *ret = cedar_bool(!args[0].as.ip.v6);
    else if (fn == CEDAR_EXT_IS_IPV6)
        *ret = cedar_bool(args[0].as.ip.v6);
    else if (fn == CEDAR_EXT_IS_LOOPBACK)
        *ret = cedar_bool(is_loopback(&args[0].as.ip));
    else if (fn == CEDAR_EXT_IS_MULTICAST)
        *ret = cedar_bool(is_multicast(&args[0].as.ip));
    else
        *ret = cedar_bool(in_range(&args[0].as.ip, &args[1].as.ip));
    return true;
}
