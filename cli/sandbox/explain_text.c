/* The words of tipstaff sandbox explain, for people and for machines. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/sandbox/explain.h"
#include "cli/term.h"
#include "sidecar/common/layer.h"
#include "sidecar/sandbox/profile.h"

static bool has(const struct explanation *x, uint32_t layer)
{
    return (x->layers & layer) != 0;
}

/* Control groups are the service's to have: no launcher of ours is given any,
 * so nothing is known of them here. */
static uint32_t absent_of(const struct explanation *x)
{
    return LAYER_BITS_ALL & ~x->layers & ~(uint32_t)LAYER_CGROUP;
}

size_t call_residual(const struct explanation *x,
                     const char *ret[CALL_RESIDUALS])
{
    size_t n = 0;

    if (!has(x, LAYER_NAMESPACES))
        ret[n++] = "it can ask of any path whether it exists and what it is "
                   "(stat): only a root of its own hides names";
    if (!has(x, LAYER_UID))
        ret[n++] = "it runs as the launcher's user, as other tools do";
    if (!has(x, LAYER_LANDLOCK_SCOPE) && !has(x, LAYER_UID) &&
        !has(x, LAYER_NAMESPACES))
        ret[n++] = "it can signal other tools of this launcher";
    if (!has(x, LAYER_CGROUP))
        ret[n++] = "unless the service has control groups (outcome records "
                   "say so), memory is limited per process: the worst case is "
                   "processes times memory_mb";
    if (has(x, LAYER_UID) &&
        (x->m->write_count > 0 || x->m->access == ACCESS_WRITE))
        ret[n++] = "its files stay, so it runs as the writers' user, which it "
                   "shares with all tools that write";
    if (!has(x, LAYER_NO_WX))
        ret[n++] = "it can make memory that is writable and executable, and "
                   "so run code that no file holds";
    if (x->m->secret_count > 0)
        ret[n++] = "it can write down a secret that it was given in a form "
                   "that redaction does not know: that is a tripwire, no wall";
    if (x->m->network.mode != NETWORK_NONE)
        ret[n++] = "it can tell whatever it reads to the hosts that are "
                   "allowed";
    ret[n++] = "the system calls that the profile allows are the kernel's "
               "surface to it; a defect there is not stopped";
    return n;
}

static void put(const char *label, const char *text, struct term t)
{
    (void)printf("%s%-10s%s %s\n", t.bold, label, t.reset, text);
}

static void put_str(const char *label, const char *before, struct ts_str s,
                    const char *after, struct term t)
{
    (void)printf("%s%-10s%s %s", t.bold, label, t.reset, before);
    term_print(s);
    (void)printf("%s\n", after);
}

static void put_paths(const char *label, struct ts_str const *list,
                      uint32_t count, const char *how, struct term t)
{
    for (uint32_t i = 0; i < count; i++)
        put_str(label, "", list[i], how, t);
}

static void print_resource(const struct manifest *m, struct term t)
{
    bool writes = m->access == ACCESS_WRITE;
    const char *what = m->resource == RESOURCE_DIR ? "folder" : "file";
    char text[128];

    if (m->resource != RESOURCE_FILE && m->resource != RESOURCE_DIR) {
        put("resource", "no path is opened for a call", t);
        return;
    }
    (void)snprintf(text, sizeof(text),
                   "the one %s that the call was permitted, "
                   "%s, beneath ",
                   what, writes ? "read and written" : "read");
    put_str("resource", text, m->resource_root,
            m->resource_arg.len > 0 ? "; no link is followed" : "", t);
}

static void print_files(const struct explanation *x, struct term t)
{
    const struct manifest *m = x->m;

    print_resource(m, t);
    put("reads", "the program, its interpreter and the system's libraries", t);
    put_paths("reads", m->read_paths, m->read_count, "", t);
    put_paths("writes", m->write_paths, m->write_count, " (stays)", t);
    if (x->level >= BOX_FULL)
        (void)printf("%s%-10s%s a /tmp of its own, %llu MiB, gone with the "
                     "call\n",
                     t.bold, "writes", t.reset,
                     (unsigned long long)m->limits.tmp_mb);
    else if (m->scratch.len > 0)
        put_str("writes", "a folder of its own beneath ", m->scratch,
                ", gone with the call", t);
    put_paths("runs", m->exec_paths, m->exec_count, "", t);
}

static void print_network(const struct explanation *x, struct term t)
{
    const struct manifest_network *n = &x->m->network;

    if (n->mode == NETWORK_NONE) {
        put("network", "none", t);
        return;
    }
    put("network",
        n->mode == NETWORK_BROKER ? "asks the broker for connections, to"
                                  : "by the proxy in a network of its own, to",
        t);
    for (uint32_t i = 0; i < n->allow_count; i++) {
        const struct manifest_host *h = &n->allow[i];

        put_str("", "  ", h->host, "", t);
        (void)printf("%14sports", "");
        for (uint32_t k = 0; k < h->port_count; k++)
            (void)printf(" %u", h->ports[k]);
        for (uint32_t k = 0; k < h->method_count; k++) {
            (void)printf(k == 0 ? "; " : ", ");
            term_print(h->methods[k]);
        }
        (void)printf("\n");
    }
    (void)printf("%11sat most %u connections at once, %llu bytes a call\n", "",
                 n->max_connections, (unsigned long long)n->max_bytes);
}

static void print_rest(const struct explanation *x, struct term t)
{
    static const char *const ways[] = {
        [SECRET_PIPE] = " (a pipe, read once)",
        [SECRET_MEMFD] = " (sealed memory)",
        [SECRET_HEADER] = " (never given: the broker adds it upstream)"};
    const struct manifest_limits *l = &x->m->limits;

    for (uint32_t i = 0; i < x->m->secret_count; i++)
        put_str("secret", "", x->m->secrets[i].name,
                ways[x->m->secrets[i].delivery], t);
    if (x->m->token.ttl_s > 0)
        put_str("token", "an identity for ", x->m->token.audience, "", t);
    (void)printf(
        "%s%-10s%s %llu ms, %llu s of CPU, %llu MiB, %llu processes, "
        "files of %llu MiB, %llu descriptors, %llu bytes of output "
        "(then %s)\n",
        t.bold, "limits", t.reset, (unsigned long long)l->wall_ms,
        (unsigned long long)l->cpu_s, (unsigned long long)l->memory_mb,
        (unsigned long long)l->processes, (unsigned long long)l->file_size_mb,
        (unsigned long long)l->open_files, (unsigned long long)l->output_bytes,
        l->on_output_limit == OUTPUT_KILL ? "it is killed"
                                          : "the rest is dropped");
    (void)printf("%s%-10s%s %s: %s\n", t.bold, "seccomp", t.reset,
                 x->profile->name, x->profile->description);
}

static void print_bits(const char *label, uint32_t bits, struct term t)
{
    if (bits == 0)
        return;
    (void)printf("%s%-10s%s", t.bold, label, t.reset);
    for (uint32_t b = 1; b < LAYER_BITS_ALL; b <<= 1) {
        if ((bits & b) != 0)
            (void)printf(" %s", layer_name(b));
    }
    (void)printf("\n");
}

static void print_box(const struct explanation *x, struct term t)
{
    const char *list[CALL_RESIDUALS];
    size_t n;

    if (!x->has_boxes) {
        put("box", "not asked of this host", t);
        return;
    }
    if (!x->is_served) {
        (void)printf("%s%-10s %snone here: the layer %s is missing, every call "
                     "is refused%s\n",
                     t.bold, "box", t.red, layer_first(x->missing), t.reset);
        return;
    }
    put("box", box_level_name(x->level), t);
    print_bits("holds", x->layers & ~x->weakened, t);
    print_bits("weakened", x->weakened, t);
    print_bits("absent", absent_of(x), t);
    n = call_residual(x, list);
    for (size_t i = 0; i < n; i++)
        put("remains", list[i], t);
}

void call_print(const struct explanation *x)
{
    const struct term t = term_stdout();

    put_str("tool", "", x->m->tool, "", t);
    if (x->m->description.len > 0)
        put_str("", "", x->m->description, "", t);
    put_str("program", "", x->m->exec,
            x->m->has_program_digest ? " (this very file, by digest)" : "", t);
    print_files(x, t);
    print_network(x, t);
    print_rest(x, t);
    print_box(x, t);
}

/* ---- JSON ---------------------------------------------------------------- */

static json_t *str(struct ts_str s)
{
    return json_stringn(s.ptr, s.len);
}

static json_t *strs(struct ts_str const *list, uint32_t count)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < count; i++)
        (void)json_array_append_new(a, str(list[i]));
    return a;
}

static json_t *bits_json(uint32_t bits)
{
    json_t *a = json_array();

    for (uint32_t b = 1; b < LAYER_BITS_ALL; b <<= 1) {
        if ((bits & b) != 0)
            (void)json_array_append_new(a, json_string(layer_name(b)));
    }
    return a;
}

static json_t *network_json(const struct manifest_network *n)
{
    static const char *const modes[] = {"none", "broker", "proxy"};
    json_t *hosts = json_array();

    for (uint32_t i = 0; i < n->allow_count; i++) {
        json_t *ports = json_array();

        for (uint32_t k = 0; k < n->allow[i].port_count; k++)
            (void)json_array_append_new(ports,
                                        json_integer(n->allow[i].ports[k]));
        (void)json_array_append_new(
            hosts,
            json_pack("{s:o, s:o, s:o, s:o}", "host", str(n->allow[i].host),
                      "ports", ports, "methods",
                      strs(n->allow[i].methods, n->allow[i].method_count),
                      "paths",
                      strs(n->allow[i].paths, n->allow[i].path_count)));
    }
    return json_pack("{s:s, s:o}", "mode", modes[n->mode], "allow", hosts);
}

static json_t *secrets_json(const struct manifest *m)
{
    json_t *a = json_array();

    for (uint32_t i = 0; i < m->secret_count; i++)
        (void)json_array_append_new(a, str(m->secrets[i].name));
    return a;
}

static json_t *limits_json(const struct manifest_limits *l)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "wall_ms",
        (json_int_t)l->wall_ms, "cpu_s", (json_int_t)l->cpu_s, "memory_mb",
        (json_int_t)l->memory_mb, "processes", (json_int_t)l->processes,
        "file_size_mb", (json_int_t)l->file_size_mb, "open_files",
        (json_int_t)l->open_files, "output_bytes", (json_int_t)l->output_bytes,
        "tmp_mb", (json_int_t)l->tmp_mb);
}

static json_t *box_json(const struct explanation *x)
{
    const char *list[CALL_RESIDUALS];
    json_t *remains;
    size_t n;

    if (!x->has_boxes)
        return json_null();
    if (!x->is_served)
        return json_pack("{s:b, s:s}", "served", 0, "missing",
                         layer_first(x->missing));
    remains = json_array();
    n = call_residual(x, list);
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(remains, json_string(list[i]));
    return json_pack("{s:b, s:s, s:o, s:o, s:o, s:o}", "served", 1, "level",
                     box_level_name(x->level), "holds",
                     bits_json(x->layers & ~x->weakened), "weakened",
                     bits_json(x->weakened), "absent", bits_json(absent_of(x)),
                     "remains", remains);
}

bool call_json(const struct explanation *x)
{
    static const char *const accesses[] = {"none", "read", "write"};
    const struct manifest *m = x->m;
    bool has_path = m->resource == RESOURCE_FILE || m->resource == RESOURCE_DIR;
    json_t *o = json_pack(
        "{s:i, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}",
        "version", 1, "tool", str(m->tool), "program", str(m->exec),
        "resource_root", has_path ? str(m->resource_root) : json_null(),
        "access", accesses[m->access], "read_paths",
        strs(m->read_paths, m->read_count), "write_paths",
        strs(m->write_paths, m->write_count), "exec_paths",
        strs(m->exec_paths, m->exec_count), "network",
        network_json(&m->network), "secrets", secrets_json(m), "limits",
        limits_json(&m->limits), "seccomp", x->profile->name, "box",
        box_json(x));
    bool ok = o != NULL && json_dumpf(o, stdout, JSON_INDENT(2)) == 0 &&
              putchar('\n') != EOF;

    json_decref(o);
    return ok;
}
