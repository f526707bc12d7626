/* network: what a tool may reach, entry by entry and as a whole. */
#include <string.h>

#include "sidecar/common/manifest/manifest_priv.h"

#define HOST_TEXT_MAX 253
#define METHOD_MAX    32
#define PATH_GLOB_MAX 1024
#define PORT_TEXT_MAX 5
#define PORT_DEFAULT  443
#define BYTES_MOST    (UINT64_C(1) << 40)
#define BYTES_DEFAULT (UINT64_C(256) << 20)
#define OPEN_MOST     1024
#define OPEN_DEFAULT  64

static struct manifest_host *host_of(const struct manifest_reader *r)
{
    return r->at;
}

static ts_err read_host_name(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    return manifest_read_str(r, n, HOST_TEXT_MAX, &host_of(r)->host);
}

static bool has_port(const struct manifest_host *h, uint16_t port)
{
    for (uint32_t i = 0; i < h->port_count; i++)
        if (h->ports[i] == port)
            return true;
    return false;
}

static ts_err read_ports(struct manifest_reader *r, const struct yaml_node *n)
{
    struct manifest_host *h = host_of(r);
    uint16_t *ports;
    void *p;
    ts_err e;

    if (n->kind != YAML_KIND_LIST || n->count < 1 ||
        n->count > MANIFEST_HOST_PORTS)
        return manifest_fail(r, n->line,
                             "ports must be a list of 1 to %d numbers",
                             MANIFEST_HOST_PORTS);
    if ((e = ts_arena_array(r->arena, n->count, sizeof(*ports), &p)) != TS_OK)
        return e;
    ports = p;
    h->ports = ports;
    h->port_count = 0;
    for (const struct yaml_node *v = n->first; v != NULL; v = v->next) {
        uint64_t port = 0;

        if ((e = manifest_read_number(r, v, 1, UINT16_MAX, &port)) != TS_OK)
            return e;
        if (has_port(h, (uint16_t)port))
            return manifest_fail(r, v->line, "ports: %u stands twice",
                                 (unsigned)port);
        ports[h->port_count++] = (uint16_t)port;
    }
    return TS_OK;
}

static bool is_method(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z') && s.ptr[i] != '-')
            return false;
    return s.len > 0;
}

static ts_err read_methods(struct manifest_reader *r, const struct yaml_node *n)
{
    struct manifest_host *h = host_of(r);
    ts_err e = manifest_read_strings(r, n, MANIFEST_HOST_METHODS, METHOD_MAX,
                                     &h->methods, &h->method_count);

    if (e == TS_OK && h->method_count == 0)
        return manifest_fail(r, n->line,
                             "methods lists none; leave it away to allow any");
    for (uint32_t i = 0; e == TS_OK && i < h->method_count; i++)
        if (!is_method(h->methods[i]) || ts_str_eq_c(h->methods[i], "CONNECT"))
            return manifest_fail(r, n->line,
                                 "methods are written like GET, and CONNECT is "
                                 "none of them: a tunnel has no method");
    return e;
}

static bool is_glob(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || s.ptr[i] == '?' ||
            s.ptr[i] == '#')
            return false;
    return s.len > 0 && s.ptr[0] == '/' &&
           memmem(s.ptr, s.len, "/../", 4) == NULL &&
           memmem(s.ptr, s.len, "/./", 3) == NULL;
}

static ts_err read_paths(struct manifest_reader *r, const struct yaml_node *n)
{
    struct manifest_host *h = host_of(r);
    ts_err e = manifest_read_strings(r, n, MANIFEST_HOST_PATHS, PATH_GLOB_MAX,
                                     &h->paths, &h->path_count);

    if (e == TS_OK && h->path_count == 0)
        return manifest_fail(r, n->line,
                             "paths lists none; leave it away to allow any");
    for (uint32_t i = 0; e == TS_OK && i < h->path_count; i++)
        if (!is_glob(h->paths[i]))
            return manifest_fail(r, n->line,
                                 "paths begin with \"/\", are printable ASCII "
                                 "and hold no query and no dot segments");
    return e;
}

static ts_err read_tls(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_bool(r, n, &host_of(r)->tls);
}

static ts_err read_addresses(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    struct manifest_host *h = host_of(r);
    struct ts_str const *texts;
    struct manifest_cidr *list;
    uint32_t count;
    void *p;
    ts_err e = manifest_read_strings(r, n, MANIFEST_HOST_ADDRESSES,
                                     HOST_TEXT_MAX, &texts, &count);

    if (e != TS_OK)
        return e;
    e = ts_arena_array(r->arena, (size_t)count + 1, sizeof(*list), &p);
    if (e != TS_OK)
        return e;
    list = p;
    for (uint32_t i = 0; i < count; i++) {
        const char *fault = manifest_cidr_fault(texts[i], &list[i]);
        char shown[64];

        (void)ts_str_escape(shown, sizeof(shown), texts[i].ptr, texts[i].len);
        if (fault != NULL)
            return manifest_fail(r, n->line, "addresses: \"%s\" %s", shown,
                                 fault);
    }
    h->addresses = list;
    h->address_count = count;
    return TS_OK;
}

static const struct manifest_key host_keys[] = {
    {"host", read_host_name},  {"ports", read_ports},
    {"methods", read_methods}, {"paths", read_paths},
    {"tls", read_tls},         {"addresses", read_addresses},
};
const struct manifest_map manifest_host_map =
    MANIFEST_MAP("an entry of network.allow", host_keys);

/* What can be said of an entry alone. */
static ts_err finish_host(struct manifest_reader *r, const struct yaml_node *n)
{
    static const uint16_t usual[] = {PORT_DEFAULT};
    struct manifest_host *h = host_of(r);
    uint8_t address[16];
    char shown[96];
    const char *fault;
    bool is_address, covered = false;

    if (h->host.len == 0)
        return manifest_fail(r, n->line,
                             "an entry of network.allow needs a host");
    fault = manifest_host_fault(h->host, address, &is_address);
    (void)ts_str_escape(shown, sizeof(shown), h->host.ptr, h->host.len);
    if (fault != NULL)
        return manifest_fail(r, n->line, "host: \"%s\" %s", shown, fault);
    for (uint32_t i = 0; is_address && i < h->address_count; i++)
        covered = covered || manifest_cidr_holds(&h->addresses[i], address);
    if (is_address && !covered)
        return manifest_fail(r, n->line,
                             "host: \"%s\" is an address: list it in addresses "
                             "as well",
                             shown);
    if (h->port_count == 0) {
        h->ports = usual;
        h->port_count = 1;
    }
    return TS_OK;
}

/* "HOST:PORT": the whole entry in one word. */
static ts_err read_short(struct manifest_reader *r, const struct yaml_node *n)
{
    struct manifest_host *h = host_of(r);
    struct ts_str s = n->text;
    uint16_t *port;
    uint32_t v = 0;
    size_t at = s.len;
    void *p;
    ts_err e;

    while (at > 0 && s.ptr[at - 1] >= '0' && s.ptr[at - 1] <= '9')
        at--;
    if (at < 2 || s.ptr[at - 1] != ':' || at == s.len ||
        s.len - at > PORT_TEXT_MAX || s.ptr[at] == '0')
        return manifest_fail(r, n->line,
                             "expected \"HOST:PORT\" or {host: ..., ports: "
                             "[...]}");
    for (size_t i = at; i < s.len; i++)
        v = v * 10 + (uint32_t)(s.ptr[i] - '0');
    if (v > UINT16_MAX)
        return manifest_fail(r, n->line, "a port is from 1 to 65535");
    if ((e = ts_arena_array(r->arena, 1, sizeof(*port), &p)) != TS_OK)
        return e;
    port = p;
    *port = (uint16_t)v;
    h->host = (struct ts_str){s.ptr, at - 1};
    h->ports = port;
    h->port_count = 1;
    return h->host.len > HOST_TEXT_MAX
               ? manifest_fail(r, n->line, "longer than %d bytes",
                               HOST_TEXT_MAX)
               : TS_OK;
}

static ts_err read_allow(struct manifest_reader *r, const struct yaml_node *n)
{
    struct manifest_host *list;
    uint32_t i = 0;
    void *p;
    ts_err e;

    if (n->kind != YAML_KIND_LIST || n->count > MANIFEST_HOSTS_MAX)
        return manifest_fail(r, n->line,
                             "allow must be a list of at most %d hosts",
                             MANIFEST_HOSTS_MAX);
    e = ts_arena_array(r->arena, (size_t)n->count + 1, sizeof(*list), &p);
    if (e != TS_OK)
        return e;
    list = p;
    for (const struct yaml_node *v = n->first; v != NULL; v = v->next) {
        r->at = &list[i++];
        e = v->kind == YAML_KIND_SCALAR
                ? read_short(r, v)
                : manifest_read_map(r, v, &manifest_host_map);
        if (e != TS_OK || (e = finish_host(r, v)) != TS_OK)
            return e;
    }
    r->m->network.allow = list;
    r->m->network.allow_count = n->count;
    return TS_OK;
}

static ts_err read_mode(struct manifest_reader *r, const struct yaml_node *n)
{
    static const char *const names[] = {"none", "broker", "proxy"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 3, &i);

    if (e == TS_OK)
        r->m->network.mode = (enum network_mode)i;
    return e;
}

static ts_err read_connections(struct manifest_reader *r,
                               const struct yaml_node *n)
{
    uint64_t v = 0;
    ts_err e = manifest_read_number(r, n, 1, OPEN_MOST, &v);

    if (e == TS_OK)
        r->m->network.max_connections = (uint32_t)v;
    return e;
}

static ts_err read_bytes(struct manifest_reader *r, const struct yaml_node *n)
{
    return manifest_read_number(r, n, 1, BYTES_MOST, &r->m->network.max_bytes);
}

static const struct manifest_key network_keys[] = {
    {"mode", read_mode},
    {"allow", read_allow},
    {"max_connections", read_connections},
    {"max_bytes", read_bytes},
};
const struct manifest_map manifest_network_map =
    MANIFEST_MAP("network", network_keys);

ts_err manifest_read_network(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    r->m->network.max_connections = OPEN_DEFAULT;
    r->m->network.max_bytes = BYTES_DEFAULT;
    return manifest_read_map(r, n, &manifest_network_map);
}

/* ---- as a whole --------------------------------------------------------- */

static ts_err check_entries(struct manifest_reader *r)
{
    const struct yaml_node *list =
        yaml_node_find(yaml_node_find(r->root, "network"), "allow");
    const struct yaml_node *n = list->first;

    for (uint32_t i = 0; i < r->m->network.allow_count; i++, n = n->next) {
        const struct manifest_host *h = &r->m->network.allow[i];

        if (h->method_count > 0 || h->path_count > 0 || h->tls)
            return manifest_fail(
                r, n->line,
                "methods, paths and tls are read by mode "
                "proxy alone; in mode broker nobody sees them");
    }
    return TS_OK;
}

ts_err manifest_check_network(struct manifest_reader *r)
{
    const struct manifest_network *w = &r->m->network;
    uint32_t line = manifest_line(r, "network");

    if (yaml_node_find(r->root, "network") == NULL)
        return TS_OK;
    if (w->mode == NETWORK_NONE)
        return w->allow_count == 0
                   ? TS_OK
                   : manifest_fail(r, line,
                                   "network: allow has no effect without "
                                   "mode: broker or mode: proxy");
    if (!r->facts->has_broker)
        return manifest_fail(r, line,
                             "network: this sidecar has no broker; add egress: "
                             "to tipstaff.yaml and restart it");
    if (w->allow_count == 0)
        return manifest_fail(r, line,
                             "network: allow lists no host, so nothing could "
                             "be reached; list some or remove network");
    return w->mode == NETWORK_BROKER ? check_entries(r) : TS_OK;
}
