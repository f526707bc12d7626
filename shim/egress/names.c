/* Names of hosts get addresses that lead nowhere, and are asked for by name
 * when a program connects to one of them. */
#include <arpa/inet.h>
#include <string.h>

#include "shim/egress/preload.h"

#define V4_BASE 0xc6120000u /* 198.18.0.0/15: for tests of equipment alone */

struct name {
    int ready; /* atomic: text is complete */
    char text[EGRESS_HOST_MAX + 1];
};

static struct name names[PRELOAD_NAMES];
static int next_name; /* atomic */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* What can be a name at all; the broker is the one who judges. */
bool names_is_valid(const char *name)
{
    size_t n = strnlen(name, EGRESS_HOST_MAX + 2);

    if (n == 0 || n > EGRESS_HOST_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = lower(name[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
            c != '.')
            return false;
    }
    return true;
}

static bool is_name(const struct name *n, const char *text)
{
    size_t i = 0;

    if (__atomic_load_n(&n->ready, __ATOMIC_ACQUIRE) == 0)
        return false;
    while (n->text[i] != '\0' && n->text[i] == lower(text[i]))
        i++;
    return n->text[i] == '\0' && text[i] == '\0';
}

/* Two threads may enter the same name twice, which costs a place and no more.
 * Places are never given back: an address that a program has kept for hours
 * must not become another host's. */
int names_index(const char *name)
{
    int used = __atomic_load_n(&next_name, __ATOMIC_ACQUIRE), at;
    size_t i = 0;

    for (at = 0; at < used && at < PRELOAD_NAMES; at++) {
        if (is_name(&names[at], name))
            return at;
    }
    if (used >= PRELOAD_NAMES)
        return -1;
    at = __atomic_fetch_add(&next_name, 1, __ATOMIC_ACQ_REL);
    if (at >= PRELOAD_NAMES)
        return -1;
    for (; name[i] != '\0'; i++)
        names[at].text[i] = lower(name[i]);
    __atomic_store_n(&names[at].ready, 1, __ATOMIC_RELEASE);
    return at;
}

struct in_addr names_v4(int index)
{
    return (struct in_addr){.s_addr = htonl(V4_BASE + 1 + (uint32_t)index)};
}

struct in6_addr names_v6(int index)
{
    struct in6_addr a = {.s6_addr = {1}}; /* 100::/64: packets are discarded */
    uint32_t n = htonl((uint32_t)index + 1);

    memcpy(&a.s6_addr[12], &n, sizeof(n));
    return a;
}

static const struct name *by_index(uint32_t index)
{
    if (index >= PRELOAD_NAMES ||
        __atomic_load_n(&names[index].ready, __ATOMIC_ACQUIRE) == 0)
        return NULL;
    return &names[index];
}

static const struct name *by_v6(const struct in6_addr *a)
{
    const struct in6_addr first = names_v6(0);
    uint32_t n;

    memcpy(&n, &a->s6_addr[12], sizeof(n));
    return memcmp(a, &first, 12) == 0 ? by_index(ntohl(n) - 1) : NULL;
}

static bool text_of(const struct name *n, int family, const void *address,
                    char ret[EGRESS_HOST_MAX + 1])
{
    if (n != NULL)
        memcpy(ret, n->text, sizeof(n->text));
    return n != NULL ||
           inet_ntop(family, address, ret, EGRESS_HOST_MAX + 1) != NULL;
}

bool names_of(const struct sockaddr *to, socklen_t len,
              char ret[EGRESS_HOST_MAX + 1], uint16_t *ret_port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint32_t mapped;

    if (to->sa_family == AF_INET && len >= sizeof(v4)) {
        memcpy(&v4, to, sizeof(v4));
        *ret_port = ntohs(v4.sin_port);
        return text_of(by_index(ntohl(v4.sin_addr.s_addr) - V4_BASE - 1),
                       AF_INET, &v4.sin_addr, ret);
    }
    if (to->sa_family != AF_INET6 || len < sizeof(v6))
        return false;
    memcpy(&v6, to, sizeof(v6));
    *ret_port = ntohs(v6.sin6_port);
    if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return text_of(by_v6(&v6.sin6_addr), AF_INET6, &v6.sin6_addr, ret);
    memcpy(&mapped, &v6.sin6_addr.s6_addr[12], sizeof(mapped));
    return text_of(by_index(ntohl(mapped) - V4_BASE - 1), AF_INET, &mapped,
                   ret);
}
