#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/sandbox/trace.h"

ts_err trace_init(struct trace *t, struct ts_arena *arena)
{
    static const char *const names[TRACE_BASES] = {"pure", "files", "net",
                                                   "jit"};
    ts_err e = TS_OK;

    memset(t, 0, sizeof(*t));
    t->arena = arena;
    for (int i = 0; i < TRACE_BASES && e == TS_OK; i++) {
        t->base[i].name = names[i];
        e = sandbox_profile_builtin(ts_str_of(names[i]), arena, &t->base[i].p);
        if (e == TS_OK)
            e = sandbox_profile_model(t->base[i].p, sandbox_arch_native(),
                                      arena, &t->base[i].m);
    }
    return e;
}

void trace_call(struct trace *t, uint32_t nr, const uint64_t args[6])
{
    t->calls++;
    if (nr >= SANDBOX_NR_END) {
        t->foreign_arch = true; /* x32, or newer than everything known here */
        return;
    }
    t->called[nr] = true;
    for (int i = 0; i < TRACE_BASES; i++) {
        struct trace_base *b = &t->base[i];

        if (b->refused[nr] ||
            sandbox_model_eval(&b->m, sandbox_arch_audit(b->m.arch), nr,
                               args) == SANDBOX_ALLOW)
            continue;
        b->refused[nr] = true;
        memcpy(b->sample[nr], args, sizeof(b->sample[nr]));
    }
}

/* Given to every tool (sidecar/launcher/tools/tools.c), or nobody's to give. */
static bool is_everybodys(const char *path, unsigned use)
{
    static const char *const beneath[] = {
        "/usr/lib/",          "/usr/lib64/", "/lib/",    "/lib64/",
        "/usr/share/locale/", "/proc/",      "/dev/pts/"};
    static const char *const exactly[] = {"/etc/ld.so.cache", "/etc/localtime",
                                          "/dev/null",        "/dev/zero",
                                          "/dev/urandom",     "/",
                                          "/dev/tty",         "/usr/lib"};

    if (use == TRACE_READ) {
        for (size_t i = 0; i < sizeof(beneath) / sizeof(beneath[0]); i++) {
            if (strncmp(path, beneath[i], strlen(beneath[i])) == 0)
                return true;
        }
    }
    for (size_t i = 0; i < sizeof(exactly) / sizeof(exactly[0]); i++) {
        if (strcmp(path, exactly[i]) == 0)
            return true;
    }
    return path[0] != '/'; /* pipes and the like */
}

void trace_path(struct trace *t, const char *path, unsigned use,
                const char *why)
{
    const char *copy;

    if (is_everybodys(path, use))
        return;
    for (uint32_t i = 0; i < t->path_count; i++) {
        if (strcmp(t->paths[i].path, path) == 0) {
            t->paths[i].use |= use;
            return;
        }
    }
    if (t->path_count == TRACE_PATHS_MAX ||
        ts_arena_strndup(t->arena, path, strlen(path), &copy) != TS_OK) {
        t->left_out++;
        return;
    }
    t->paths[t->path_count++] = (struct trace_path){copy, use, why};
}

static bool read_address(const void *address, size_t len, struct trace_host *h)
{
    struct sockaddr_storage s = {0};

    memcpy(&s, address, len < sizeof(s) ? len : sizeof(s));
    if (s.ss_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, &s, sizeof(in));
        h->port = ntohs(in.sin_port);
        return inet_ntop(AF_INET, &in.sin_addr, h->address,
                         sizeof(h->address)) != NULL;
    }
    if (s.ss_family == AF_INET6) {
        struct sockaddr_in6 in;

        memcpy(&in, &s, sizeof(in));
        h->port = ntohs(in.sin6_port);
        return inet_ntop(AF_INET6, &in.sin6_addr, h->address,
                         sizeof(h->address)) != NULL;
    }
    if (s.ss_family != AF_UNIX)
        return false;
    h->is_unix = true;
    (void)ts_str_escape(h->address, sizeof(h->address),
                        (const char *)&s + sizeof(s.ss_family),
                        strnlen((const char *)&s + sizeof(s.ss_family), 60));
    return true;
}

void trace_host(struct trace *t, const void *address, size_t len)
{
    struct trace_host h = {.port = 0};

    if (len < sizeof(sa_family_t) || !read_address(address, len, &h))
        return;
    for (uint32_t i = 0; i < t->host_count; i++) {
        if (t->hosts[i].port == h.port &&
            strcmp(t->hosts[i].address, h.address) == 0)
            return;
    }
    if (t->host_count == TRACE_HOSTS_MAX)
        t->left_out++;
    else
        t->hosts[t->host_count++] = h;
}
