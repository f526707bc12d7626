#include "sidecar/broker/rules.h"

#include <arpa/inet.h>
#include <string.h>

#define LABEL_MAX 63

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_ldh(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static void map_v4(const uint8_t v4[4], uint8_t ret[16])
{
    memset(ret, 0, 10);
    memset(ret + 10, 0xff, 2);
    memcpy(ret + 12, v4, 4);
}

/* text is NUL-terminated and holds no zone: the bytes were looked at. */
static bool read_address(struct rules_name *n)
{
    uint8_t v4[4];

    if (inet_pton(AF_INET, n->text, v4) == 1)
        map_v4(v4, n->address);
    else if (inet_pton(AF_INET6, n->text, n->address) != 1)
        return false;
    n->is_address = true;
    return true;
}

static enum egress_code read_v6(struct ts_str raw, struct rules_name *n)
{
    struct in6_addr a;

    if (raw.len > 0 && raw.ptr[0] == '[') {
        if (raw.len < 2 || raw.ptr[raw.len - 1] != ']')
            return EGRESS_NAME_INVALID;
        raw.ptr++;
        raw.len -= 2;
    }
    if (raw.len == 0 || raw.len >= INET6_ADDRSTRLEN)
        return EGRESS_NAME_INVALID;
    for (size_t i = 0; i < raw.len; i++) {
        char c = lower(raw.ptr[i]);

        if (!is_digit(c) && !(c >= 'a' && c <= 'f') && c != ':' && c != '.')
            return EGRESS_NAME_INVALID;
        n->text[i] = c;
    }
    n->text[raw.len] = '\0';
    if (inet_pton(AF_INET6, n->text, &a) != 1 ||
        inet_ntop(AF_INET6, &a, n->text, sizeof(n->text)) == NULL)
        return EGRESS_NAME_INVALID;
    n->len = (uint32_t)strlen(n->text); /* in its one spelling */
    return read_address(n) ? EGRESS_OK : EGRESS_NAME_INVALID;
}

/* Labels of 1 to 63 bytes that neither begin nor end with a hyphen. The last
 * one begins with a digit: nothing but an address does; "127.1", "0x7f.1" and
 * "2130706433" are addresses to some readers, and to none of ours. */
static bool labels_ok(const struct rules_name *n, bool *ret_last_is_number)
{
    uint32_t label = 0;

    for (uint32_t i = 0; i <= n->len; i++) {
        char c = n->text[i]; /* the NUL ends the last one */

        if (c == '.' || c == '\0') {
            if (label == 0 || label > LABEL_MAX || n->text[i - 1] == '-')
                return false;
            *ret_last_is_number = is_digit(n->text[i - label]);
            label = 0;
        } else if (label++ == 0 && c == '-') {
            return false;
        }
    }
    return true;
}

enum egress_code rules_name_read(struct ts_str raw, struct rules_name *ret)
{
    struct rules_name n = {.len = 0};
    bool last_is_number = false;

    if (memchr(raw.ptr != NULL ? raw.ptr : "", ':', raw.len) != NULL) {
        enum egress_code c = read_v6(raw, &n);

        if (c == EGRESS_OK)
            *ret = n;
        return c;
    }
    if (raw.len > 0 && raw.ptr[raw.len - 1] == '.')
        raw.len--; /* the root: the same name */
    if (raw.len == 0 || raw.len > EGRESS_HOST_MAX)
        return EGRESS_NAME_INVALID;
    for (size_t i = 0; i < raw.len; i++) {
        char c = lower(raw.ptr[i]);

        if (!is_ldh(c) && c != '.')
            return EGRESS_NAME_INVALID;
        n.text[i] = c;
    }
    n.len = (uint32_t)raw.len;
    if (!labels_ok(&n, &last_is_number))
        return EGRESS_NAME_INVALID;
    if (last_is_number && !read_address(&n))
        return EGRESS_NAME_INVALID;
    *ret = n;
    return EGRESS_OK;
}

bool rules_host_matches(struct ts_str host, const struct rules_name *name)
{
    struct ts_str have = {.ptr = name->text, .len = name->len};
    size_t at;

    if (host.len == 0)
        return false;
    if (host.len <= 2 || host.ptr[0] != '*' || host.ptr[1] != '.')
        return ts_str_eq(host, have);
    if (name->is_address || have.len <= host.len - 1)
        return false; /* at least one byte in front of the dot */
    at = have.len - (host.len - 1);
    return memcmp(have.ptr + at, host.ptr + 1, host.len - 1) == 0;
}

/* Where the last star was met, the rest is tried again one byte further on. A
 * "*" may not pass a "/"; behind it only the "**" before it can still help. */
bool rules_path_matches(struct ts_str glob, struct ts_str path)
{
    size_t g = 0, p = 0, one_g = 0, one_p = 0, any_g = 0, any_p = 0;
    bool one = false, any = false;

    for (;;) {
        if (g + 1 < glob.len && glob.ptr[g] == '*' && glob.ptr[g + 1] == '*') {
            any = true;
            one = false;
            any_g = g += 2;
            any_p = p;
        } else if (g < glob.len && glob.ptr[g] == '*') {
            one = true;
            one_g = ++g;
            one_p = p;
        } else if (g < glob.len && p < path.len && glob.ptr[g] == path.ptr[p]) {
            g++;
            p++;
        } else if (g == glob.len && p == path.len) {
            return true;
        } else if (one && one_p < path.len && path.ptr[one_p] != '/') {
            g = one_g;
            p = ++one_p;
        } else if (any && any_p < path.len) {
            one = false;
            g = any_g;
            p = ++any_p;
        } else {
            return false;
        }
    }
}

static bool has_port(const struct manifest_host *h, uint16_t port)
{
    for (uint32_t i = 0; i < h->port_count; i++) {
        if (h->ports[i] == port)
            return true;
    }
    return false; /* no ports: none */
}

static bool has_method(const struct manifest_host *h, struct ts_str method)
{
    for (uint32_t i = 0; i < h->method_count; i++) {
        if (ts_str_eq(h->methods[i], method))
            return true;
    }
    return h->method_count == 0;
}

static bool has_path(const struct manifest_host *h, struct ts_str path)
{
    for (uint32_t i = 0; i < h->path_count; i++) {
        if (rules_path_matches(h->paths[i], path))
            return true;
    }
    return h->path_count == 0;
}

static enum egress_code judge(const struct manifest_host *h,
                              const struct rules_want *w)
{
    if (!rules_host_matches(h->host, w->name))
        return EGRESS_HOST_DENIED;
    /* An address is never enough by being named: it must be excepted, too. */
    if (w->name->is_address && !rules_excepts(h, w->name->address))
        return EGRESS_HOST_DENIED;
    if (w->port == 0 || !has_port(h, w->port))
        return EGRESS_PORT_DENIED;
    if (w->opaque)
        return h->method_count == 0 && h->path_count == 0 && !h->tls
                   ? EGRESS_OK
                   : EGRESS_METHOD_DENIED;
    if (!has_method(h, w->method))
        return EGRESS_METHOD_DENIED;
    return has_path(h, w->path) ? EGRESS_OK : EGRESS_PATH_DENIED;
}

enum egress_code rules_find(const struct manifest_network *n,
                            const struct rules_want *w,
                            const struct manifest_host **ret)
{
    enum egress_code nearest = EGRESS_HOST_DENIED;

    for (uint32_t i = 0; i < n->allow_count; i++) {
        enum egress_code c = judge(&n->allow[i], w);

        if (c == EGRESS_OK) {
            *ret = &n->allow[i];
            return EGRESS_OK;
        }
        if (c > nearest) /* the codes are in this order */
            nearest = c;
    }
    return nearest;
}
