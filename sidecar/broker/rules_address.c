/* Addresses by class: what may be dialled although nobody named it. */
#include <string.h>

#include "sidecar/broker/rules.h"

struct range {
    uint8_t address[16];
    uint8_t prefix;
};

#define V4(a, b, c, d, bits)                                                   \
    {                                                                          \
        .address = {[10] = 0xff, [11] = 0xff, [12] = (a),                      \
                    [13] = (b),  [14] = (c),  [15] = (d)},                     \
        .prefix = 96 + (bits)                                                  \
    }
#define V6(bits, ...)                                                          \
    {                                                                          \
        .address = {__VA_ARGS__}, .prefix = (bits)                             \
    }

/* Where cloud hosts answer questions about themselves, with credentials. */
static const struct range metadata[] = {
    V4(169, 254, 169, 254, 32), /* AWS, GCP, Azure, OCI, DigitalOcean.. */
    V4(169, 254, 169, 253, 32), /* AWS: DNS */
    V4(169, 254, 170, 2, 32),   /* AWS: credentials of containers */
    V4(169, 254, 170, 23, 32),  /* AWS: credentials of pods */
    V4(100, 100, 100, 200, 32), /* Alibaba */
    V4(168, 63, 129, 16, 32),   /* Azure: public space, not public */
    V4(192, 0, 0, 192, 32),     /* Oracle, classic */
    V6(128, 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54), /* AWS */
    V6(128, 0xfd, 0x00, 0x0e, 0xc2, [15] = 0x23), /* AWS: credentials */
    V6(128, 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54), /* GCP */
};

/* IANA's special-purpose registries, everything that is not plainly global. */
static const struct range special[] = {
    V4(0, 0, 0, 0, 8),              /* this network; 0.0.0.0 is this host */
    V4(10, 0, 0, 0, 8),             /* private */
    V4(100, 64, 0, 0, 10),          /* carrier-grade NAT */
    V4(127, 0, 0, 0, 8),            /* loopback */
    V4(169, 254, 0, 0, 16),         /* link-local */
    V4(172, 16, 0, 0, 12),          /* private */
    V4(192, 0, 0, 0, 24),           /* IETF protocol assignments */
    V4(192, 0, 2, 0, 24),           /* documentation */
    V4(192, 31, 196, 0, 24),        /* AS112 */
    V4(192, 52, 193, 0, 24),        /* AMT */
    V4(192, 88, 99, 0, 24),         /* 6to4 relays */
    V4(192, 168, 0, 0, 16),         /* private */
    V4(192, 175, 48, 0, 24),        /* AS112 */
    V4(198, 18, 0, 0, 15),          /* benchmarks */
    V4(198, 51, 100, 0, 24),        /* documentation */
    V4(203, 0, 113, 0, 24),         /* documentation */
    V4(224, 0, 0, 0, 3),            /* multicast, reserved, broadcast */
    V6(23, 0x20, 0x01),             /* IETF protocol assignments, ORCHID.. */
    V6(32, 0x20, 0x01, 0x0d, 0xb8), /* documentation */
    V6(20, 0x3f, 0xff),             /* documentation */
    V6(48, 0x26, 0x20, 0x00, 0x4f, 0x80, 0x00), /* AS112 */
};

/* By which IPv4 addresses are written as IPv6 ones. */
static const struct range embedded[] = {
    V6(32, 0x20, 0x01, 0x00, 0x00),             /* Teredo */
    V6(16, 0x20, 0x02),                         /* 6to4 */
    V6(48, 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01), /* NAT64, local */
};
static const struct range nat64 = V6(96, 0x00, 0x64, 0xff, 0x9b);
static const struct range mapped = V4(0, 0, 0, 0, 0);
static const struct range global = V6(3, 0x20); /* the only global space */

static bool covers(const uint8_t range[16], uint8_t prefix,
                   const uint8_t address[16])
{
    size_t bytes = prefix / 8u;
    unsigned bits = prefix % 8u;

    if (prefix > 128 || memcmp(range, address, bytes) != 0)
        return false;
    return bits == 0 || (range[bytes] ^ address[bytes]) >> (8 - bits) == 0;
}

static bool within(const struct range *r, const uint8_t address[16])
{
    return covers(r->address, r->prefix, address);
}

static bool listed(const struct range *list, size_t count,
                   const uint8_t address[16])
{
    for (size_t i = 0; i < count; i++) {
        if (within(&list[i], address))
            return true;
    }
    return false;
}

#define LISTED(list, address)                                                  \
    listed((list), sizeof(list) / sizeof((list)[0]), (address))

enum rules_class rules_class_of(const uint8_t address[16])
{
    if (LISTED(metadata, address))
        return CLASS_METADATA;
    if (LISTED(embedded, address))
        return CLASS_EMBEDDED;
    if (within(&nat64, address)) {
        /* How a network without IPv4 reaches it: as good as what is inside. */
        uint8_t v4[16];

        memcpy(v4, mapped.address, sizeof(v4));
        memcpy(v4 + 12, address + 12, 4);
        return rules_class_of(v4) == CLASS_PUBLIC ? CLASS_PUBLIC
                                                  : CLASS_EMBEDDED;
    }
    if (LISTED(special, address))
        return CLASS_SPECIAL;
    return within(&mapped, address) || within(&global, address) ? CLASS_PUBLIC
                                                                : CLASS_SPECIAL;
}

bool rules_excepts(const struct manifest_host *rule, const uint8_t address[16])
{
    bool exact_only = rules_class_of(address) == CLASS_METADATA;

    for (uint32_t i = 0; i < rule->address_count; i++) {
        const struct manifest_cidr *c = &rule->addresses[i];

        if ((!exact_only || c->prefix == 128) &&
            covers(c->address, c->prefix, address))
            return true;
    }
    return false;
}

bool rules_address_ok(const struct manifest_host *rule,
                      const uint8_t address[16], bool is_own)
{
    if (!is_own && rules_class_of(address) == CLASS_PUBLIC)
        return true;
    return rules_excepts(rule, address);
}
