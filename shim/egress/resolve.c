/*
 * Names: every name that could be one gets an address that stands for it, and
 * is resolved by the broker when it is connected to. A name that does not exist
 * is told then, as a host that cannot be reached.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "shim/egress/preload.h"

/* All that is not static here replaces a function of the C library. */
#pragma GCC visibility push(default)

/* The function of the C library, where there is no channel. */
static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

struct answer {
    struct addrinfo info;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    char canonical[EGRESS_HOST_MAX + 1];
};

static int port_of(const char *service, uint16_t *ret)
{
    static const struct {
        const char *name;
        uint16_t port;
    } known[] = {{"http", 80},   {"https", 443}, {"ftp", 21},    {"ssh", 22},
                 {"smtp", 25},   {"imap", 143},  {"imaps", 993}, {"git", 9418},
                 {"rsync", 873}, {"ldap", 389},  {"ldaps", 636}};
    unsigned long n = 0;

    *ret = 0;
    if (service == NULL || *service == '\0')
        return 0;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(service, known[i].name) == 0) {
            *ret = known[i].port;
            return 0;
        }
    }
    for (const char *s = service; *s != '\0'; s++) {
        if (*s < '0' || *s > '9' || (n = n * 10 + (unsigned)(*s - '0')) > 65535)
            return EAI_SERVICE;
    }
    *ret = (uint16_t)n;
    return 0;
}

static void set_v4(struct answer *a, struct in_addr to, uint16_t port)
{
    a->address.v4 = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = to};
    a->info.ai_family = AF_INET;
    a->info.ai_addrlen = sizeof(a->address.v4);
}

static void set_v6(struct answer *a, struct in6_addr to, uint16_t port)
{
    a->address.v6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = to};
    a->info.ai_family = AF_INET6;
    a->info.ai_addrlen = sizeof(a->address.v6);
}

static int nobody(struct answer *a, const struct addrinfo *h, uint16_t port)
{
    bool listens = (h->ai_flags & AI_PASSIVE) != 0;
    struct in_addr v4 = {.s_addr =
                             htonl(listens ? INADDR_ANY : INADDR_LOOPBACK)};

    if (h->ai_family == AF_INET6)
        set_v6(a, listens ? in6addr_any : in6addr_loopback, port);
    else
        set_v4(a, v4, port);
    return 0;
}

/* EAI_NONAME: it is no literal. */
static int literal(struct answer *a, const char *node, const struct addrinfo *h,
                   uint16_t port)
{
    struct in6_addr v6;
    struct in_addr v4;

    if (inet_pton(AF_INET, node, &v4) == 1) {
        if (h->ai_family == AF_INET6)
            return EAI_ADDRFAMILY;
        set_v4(a, v4, port);
        return 0;
    }
    if (inet_pton(AF_INET6, node, &v6) != 1)
        return EAI_NONAME;
    if (h->ai_family == AF_INET)
        return EAI_ADDRFAMILY;
    set_v6(a, v6, port);
    return 0;
}

static int name(struct answer *a, const char *node, const struct addrinfo *h,
                uint16_t port)
{
    int index;

    if ((h->ai_flags & AI_NUMERICHOST) != 0 || !names_is_valid(node))
        return EAI_NONAME;
    index = names_index(node);
    if (index < 0)
        return EAI_MEMORY;
    if (h->ai_family == AF_INET6)
        set_v6(a, names_v6(index), port);
    else
        set_v4(a, names_v4(index), port);
    memcpy(a->canonical, node, strlen(node) + 1);
    if ((h->ai_flags & AI_CANONNAME) != 0)
        a->info.ai_canonname = a->canonical;
    return 0;
}

static int look_up(struct answer *a, const char *node, const char *service,
                   const struct addrinfo *h)
{
    uint16_t port;
    int r = port_of(service, &port);

    if (r != 0)
        return r;
    if (h->ai_family != AF_UNSPEC && h->ai_family != AF_INET &&
        h->ai_family != AF_INET6)
        return EAI_FAMILY;
    if (node == NULL)
        return nobody(a, h, port);
    r = literal(a, node, h, port);
    return r == EAI_NONAME ? name(a, node, h, port) : r;
}

int getaddrinfo(const char *node, const char *service,
                const struct addrinfo *hints, struct addrinfo **ret)
{
    static const struct addrinfo none;
    const struct addrinfo *h = hints != NULL ? hints : &none;
    struct answer *a;
    int r;

    if (preload_channel() < 0) {
        int (*f)(const char *, const char *, const struct addrinfo *,
                 struct addrinfo **);
        void *p = real("getaddrinfo");

        memcpy(&f, &p, sizeof(f)); /* ISO C has no such cast */
        return f != NULL ? f(node, service, hints, ret) : EAI_SYSTEM;
    }
    if (node == NULL && service == NULL)
        return EAI_NONAME;
    a = ts_mem_alloc(sizeof(*a));
    if (a == NULL)
        return EAI_MEMORY;
    r = look_up(a, node, service, h);
    if (r != 0) {
        ts_mem_free(a);
        return r;
    }
    a->info.ai_socktype = h->ai_socktype != 0 ? h->ai_socktype : SOCK_STREAM;
    a->info.ai_protocol = h->ai_protocol;
    if (h->ai_protocol == 0 && a->info.ai_socktype == SOCK_STREAM)
        a->info.ai_protocol = IPPROTO_TCP;
    a->info.ai_addr = &a->address.any;
    *ret = &a->info;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    if (preload_channel() < 0) {
        void (*f)(struct addrinfo *);
        void *p = real("freeaddrinfo");

        memcpy(&f, &p, sizeof(f));
        if (f != NULL)
            f(list);
        return;
    }
    ts_mem_free(list); /* the first thing in an answer */
}

/* In the caller's memory: two pointers, an address, the name. */
struct host_room {
    char *list[2];
    char *aliases[1];
    char address[16];
    char name[EGRESS_HOST_MAX + 1];
};

static int host_fill(const char *text, int family, struct hostent *to,
                     struct host_room *room)
{
    const struct addrinfo h = {.ai_family = family};
    struct answer a = {.info = {.ai_family = 0}};
    int r = look_up(&a, text, NULL, &h);

    if (r != 0)
        return r == EAI_MEMORY ? NO_RECOVERY : HOST_NOT_FOUND;
    *to = (struct hostent){.h_name = room->name,
                           .h_aliases = room->aliases,
                           .h_addrtype = family,
                           .h_length = family == AF_INET ? 4 : 16,
                           .h_addr_list = room->list};
    memset(room, 0, sizeof(*room));
    memcpy(room->name, text, strnlen(text, EGRESS_HOST_MAX));
    if (family == AF_INET)
        memcpy(room->address, &a.address.v4.sin_addr, 4);
    else
        memcpy(room->address, &a.address.v6.sin6_addr, 16);
    room->list[0] = room->address;
    return 0;
}

int gethostbyname2_r(const char *text, int family, struct hostent *to,
                     char *buf, size_t len, struct hostent **ret, int *reterr)
{
    size_t pad = -(uintptr_t)buf % _Alignof(struct host_room);
    struct host_room *room;
    int r;

    *ret = NULL;
    if (preload_channel() < 0) {
        int (*f)(const char *, int, struct hostent *, char *, size_t,
                 struct hostent **, int *);
        void *p = real("gethostbyname2_r");

        memcpy(&f, &p, sizeof(f));
        return f != NULL ? f(text, family, to, buf, len, ret, reterr) : ENOSYS;
    }
    if (len < pad + sizeof(*room))
        return ERANGE;
    buf += pad;
    memcpy(&room, &buf, sizeof(room)); /* aligned just now */
    r = host_fill(text, family, to, room);
    *reterr = r;
    *ret = r == 0 ? to : NULL;
    return 0;
}

int gethostbyname_r(const char *text, struct hostent *to, char *buf, size_t len,
                    struct hostent **ret, int *reterr)
{
    return gethostbyname2_r(text, AF_INET, to, buf, len, ret, reterr);
}

/* One for each thread is more than these promise. */
struct hostent *gethostbyname2(const char *text, int family)
{
    static _Thread_local struct hostent entry;
    static _Thread_local char room[sizeof(struct host_room) + 16];
    struct hostent *ret = NULL;
    int err = 0;

    if (gethostbyname2_r(text, family, &entry, room, sizeof(room), &ret,
                         &err) != 0)
        err = NO_RECOVERY;
    h_errno = err;
    return ret;
}

struct hostent *gethostbyname(const char *text)
{
    return gethostbyname2(text, AF_INET);
}

#pragma GCC visibility pop
