/* Names and addresses of hosts, as a manifest may write them. Pure. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/common/manifest/manifest_priv.h"

#define HOST_MAX  253
#define LABEL_MAX 63

static bool parse_address(struct ts_str s, uint8_t ret[16], bool *ret_v4)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0,    0,
                                       0, 0, 0, 0, 0xff, 0xff};
    char text[INET6_ADDRSTRLEN];

    if (s.len == 0 || s.len >= sizeof(text) ||
        memchr(s.ptr, '\0', s.len) != NULL)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    *ret_v4 = inet_pton(AF_INET, text, ret + 12) == 1;
    if (*ret_v4) {
        memcpy(ret, mapped, sizeof(mapped));
        return true;
    }
    return inet_pton(AF_INET6, text, ret) == 1;
}

static const char *label_fault(struct ts_str label)
{
    if (label.len == 0 || label.len > LABEL_MAX)
        return "has an empty or too long part between its dots";
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return "has a part that begins or ends with \"-\"";
    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i];

        if (c >= 'A' && c <= 'Z')
            return "must be written in lower case";
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return "is not the name of a host: letters, digits, \"-\" and "
                   "dots (other scripts in their xn-- form)";
    }
    return NULL;
}

/* "1", "0x7f": old resolvers take a name that ends so for an address. */
static bool is_number(struct ts_str label)
{
    size_t i = 0;

    if (label.len > 2 && label.ptr[0] == '0' && label.ptr[1] == 'x')
        return true;
    while (i < label.len && label.ptr[i] >= '0' && label.ptr[i] <= '9')
        i++;
    return i == label.len;
}

static const char *name_fault(struct ts_str name)
{
    struct ts_str rest = name, label = {0};
    unsigned labels = 0;
    bool wild = ts_str_starts(name, TS_STR_LIT("*."));

    if (name.len > HOST_MAX)
        return "is longer than 253 bytes";
    if (wild) {
        rest.ptr += 2;
        rest.len -= 2;
    }
    for (bool more = true; more; labels++) {
        const char *dot = rest.len > 0 ? memchr(rest.ptr, '.', rest.len) : NULL;
        const char *fault;

        more = dot != NULL;
        label = rest;
        if (more) {
            label.len = (size_t)(dot - rest.ptr);
            rest.len -= label.len + 1;
            rest.ptr = dot + 1;
        }
        if ((fault = label_fault(label)) != NULL)
            return fault;
    }
    if (is_number(label))
        return "ends in a number and is no address";
    return wild && labels < 2
               ? "allows a whole top-level domain; name more of it"
               : NULL;
}

const char *manifest_host_fault(struct ts_str host, uint8_t address[16],
                                bool *ret_is_address)
{
    bool v4;

    *ret_is_address = parse_address(host, address, &v4);
    if (*ret_is_address)
        return NULL;
    if (host.len > 0 && host.ptr[0] == '[')
        return "is an address in brackets; leave them away";
    return name_fault(host);
}

bool manifest_cidr_holds(const struct manifest_cidr *c,
                         const uint8_t address[16])
{
    unsigned whole = c->prefix / 8u, rest = c->prefix % 8u;
    uint8_t mask = (uint8_t)(0xff00u >> rest);

    if (memcmp(c->address, address, whole) != 0)
        return false;
    return rest == 0 || (c->address[whole] & mask) == (address[whole] & mask);
}

/* One to three digits. */
static bool parse_bits(struct ts_str s, unsigned *ret)
{
    unsigned v = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s.ptr[i] - '0');
    }
    *ret = v;
    return s.len > 0 && s.len <= 3 && (s.len == 1 || s.ptr[0] != '0');
}

const char *manifest_cidr_fault(struct ts_str text, struct manifest_cidr *ret)
{
    const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;
    struct ts_str head = text, tail = {0};
    struct manifest_cidr c = {0};
    unsigned bits = 0, most;
    bool v4;

    if (slash != NULL) {
        head.len = (size_t)(slash - text.ptr);
        tail = (struct ts_str){slash + 1, text.len - head.len - 1};
    }
    if (!parse_address(head, c.address, &v4))
        return "is not an address with a prefix, like 10.1.0.0/16";
    most = v4 ? 32 : 128;
    if (slash == NULL)
        bits = most;
    else if (!parse_bits(tail, &bits) || bits > most)
        return "has a prefix that is no number of bits";
    c.prefix = (uint8_t)(v4 ? bits + 96 : bits);
    for (unsigned i = c.prefix; i < 128; i++)
        if ((c.address[i / 8] & (0x80u >> i % 8)) != 0)
            return "has bits behind its prefix; write the network's own "
                   "address";
    *ret = c;
    return NULL;
}
