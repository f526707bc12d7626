#ifndef SIDECAR_BROKER_RULES_H
#define SIDECAR_BROKER_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_str.h"
#include "proto/msg/egress.h"
#include "sidecar/common/manifest/manifest.h"

/*
 * Who may be reached: pure functions over a manifest's `network:`. Nothing here
 * resolves or connects. docs/EGRESS.md has the rules in words.
 */

/* A host as a tool named it, in its one spelling. */
struct rules_name {
    char text[EGRESS_HOST_MAX + 1]; /* lower case, no last dot, no brackets */
    uint32_t len;
    bool is_address;     /* text is an IPv4 or IPv6 literal */
    uint8_t address[16]; /* then: IPv4 as ::ffff:a.b.c.d */
};

/*
 * EGRESS_OK, or EGRESS_NAME_INVALID: before anything is compared, every byte
 * that is not a letter, digit, hyphen or dot is refused (NUL, control bytes,
 * underscores, UTF-8; punycode passes), as are empty and overlong labels and
 * names whose last label begins with a digit but which are no dotted quad
 * ("0x7f.1", "2130706433"). Brackets around IPv6 are taken off; zone ids are
 * refused.
 */
enum egress_code rules_name_read(struct ts_str raw, struct rules_name *ret);

struct rules_want {
    const struct rules_name *name;
    uint16_t port;
    /* CONNECT, SOCKS5 or ASK: bytes that nobody reads. Only a rule without
     * methods, paths and tls allows it. */
    bool opaque;
    struct ts_str method; /* unless opaque */
    struct ts_str path;   /* the same; canonical, begins with "/", no query */
};

/*
 * The first rule that allows all of it, with EGRESS_OK; else the code that says
 * how far the nearest one went (HOST_DENIED, PORT_DENIED, METHOD_DENIED,
 * PATH_DENIED), and *ret is untouched.
 */
enum egress_code rules_find(const struct manifest_network *n,
                            const struct rules_want *w,
                            const struct manifest_host **ret);

/* "*" is any run of bytes without "/", "**" any run; all else stands for
 * itself. Costs at most len(glob) * len(path) steps. */
bool rules_path_matches(struct ts_str glob, struct ts_str path);

/* host is of a rule: a name, "*.name" or an address. Labels, not suffixes:
 * "*.a.example" is neither "a.example" nor "ba.example". */
bool rules_host_matches(struct ts_str host, const struct rules_name *name);

/* An address that was resolved: IPv4 as ::ffff:a.b.c.d. */
enum rules_class {
    CLASS_PUBLIC = 0,
    CLASS_SPECIAL,  /* loopback, private, link-local, multicast, reserved.. */
    CLASS_METADATA, /* of cloud hosts: only an exact exception reaches it */
    CLASS_EMBEDDED  /* IPv4 inside of IPv6 by which the above is got round */
};
enum rules_class rules_class_of(const uint8_t address[16]);

/* Whether the rule's `addresses:` cover it; metadata only by a whole address
 * (/32, /128), so that no wide range lets it in by the way. */
bool rules_excepts(const struct manifest_host *rule, const uint8_t address[16]);

/* is_own: it is an address of this very host (own.h). */
bool rules_address_ok(const struct manifest_host *rule,
                      const uint8_t address[16], bool is_own);

#endif
