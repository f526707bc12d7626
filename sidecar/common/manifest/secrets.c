/* secrets: where each comes from and how it reaches the tool, or the service
 * that the tool talks to. */
#include <string.h>
#include <strings.h>

#include "sidecar/common/manifest/manifest_priv.h"

#define CREDENTIAL_MAX 255
#define HEADER_MAX     64
#define PREFIX_MAX     64

static struct manifest_secret *secret_of(const struct manifest_reader *r)
{
    return r->at;
}

static ts_err set_source(struct manifest_reader *r, const struct yaml_node *n,
                         enum secret_source source)
{
    if (secret_of(r)->source != 0)
        return manifest_fail(r, n->line,
                             "a secret has one source: credential, file or "
                             "identity_token");
    secret_of(r)->source = source;
    return TS_OK;
}

static bool is_credential(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return s.len > 0 && s.ptr[0] != '.';
}

static ts_err read_credential(struct manifest_reader *r,
                              const struct yaml_node *n)
{
    ts_err e = manifest_read_str(r, n, CREDENTIAL_MAX, &secret_of(r)->from);

    if (e == TS_OK && !is_credential(secret_of(r)->from))
        return manifest_fail(
            r, n->line,
            "credential: letters, digits, \".\", \"_\", \"-\"; "
            "the name that LoadCredential= gave it");
    return e != TS_OK ? e : set_source(r, n, SECRET_CREDENTIAL);
}

static ts_err read_file(struct manifest_reader *r, const struct yaml_node *n)
{
    ts_err e = manifest_read_str(r, n, MANIFEST_PATH_MAX, &secret_of(r)->from);

    if (e == TS_OK)
        e = manifest_check_path(r, "file", n->line, secret_of(r)->from);
    return e != TS_OK ? e : set_source(r, n, SECRET_FILE);
}

static ts_err read_token(struct manifest_reader *r, const struct yaml_node *n)
{
    bool on = false;
    ts_err e = manifest_read_bool(r, n, &on);

    if (e == TS_OK && !on)
        return manifest_fail(r, n->line, "identity_token is true or left away");
    return e != TS_OK ? e : set_source(r, n, SECRET_IDENTITY_TOKEN);
}

static ts_err read_as(struct manifest_reader *r, const struct yaml_node *n)
{
    static const char *const names[] = {"pipe", "memfd", "header"};
    size_t i = 0;
    ts_err e = manifest_read_word(r, n, names, 3, &i);

    if (e == TS_OK)
        secret_of(r)->delivery = (enum secret_delivery)(i + 1);
    return e;
}

static bool is_field_name(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return s.len > 0;
}

/* Those by which one message could become two, or go elsewhere. */
static bool is_framing(struct ts_str s)
{
    static const char *const names[] = {
        "host",       "content-length",  "transfer-encoding", "connection",
        "te",         "trailer",         "upgrade",           "expect",
        "keep-alive", "proxy-connection"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == s.len &&
            strncasecmp(names[i], s.ptr, s.len) == 0)
            return true;
    return false;
}

static ts_err read_header(struct manifest_reader *r, const struct yaml_node *n)
{
    ts_err e = manifest_read_str(r, n, HEADER_MAX, &secret_of(r)->header);

    if (e == TS_OK && (!is_field_name(secret_of(r)->header) ||
                       is_framing(secret_of(r)->header)))
        return manifest_fail(r, n->line,
                             "header must be the name of a field that carries "
                             "a credential, like Authorization");
    return e;
}

static ts_err read_prefix(struct manifest_reader *r, const struct yaml_node *n)
{
    struct ts_str *s = &secret_of(r)->prefix;
    ts_err e = manifest_read_str(r, n, PREFIX_MAX, s);

    for (size_t i = 0; e == TS_OK && i < s->len; i++)
        if (s->ptr[i] < ' ' || s->ptr[i] > '~')
            return manifest_fail(r, n->line,
                                 "prefix must be printable ASCII, like "
                                 "\"Bearer \"");
    return e;
}

static ts_err read_hosts(struct manifest_reader *r, const struct yaml_node *n)
{
    struct manifest_secret *s = secret_of(r);

    return manifest_read_strings(r, n, MANIFEST_HOSTS_MAX, CREDENTIAL_MAX,
                                 &s->hosts, &s->host_count);
}

static const struct manifest_key secret_keys[] = {
    {"credential", read_credential}, {"file", read_file},
    {"identity_token", read_token},  {"as", read_as},
    {"header", read_header},         {"prefix", read_prefix},
    {"hosts", read_hosts},
};
const struct manifest_map manifest_secret_map =
    MANIFEST_MAP("a secret", secret_keys);

static bool is_secret_name(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!(c >= 'A' && c <= 'Z') &&
            (i == 0 || (!(c >= '0' && c <= '9') && c != '_')))
            return false;
    }
    return s.len > 0 && s.len <= ARG_NAME_MAX;
}

static ts_err finish_secret(struct manifest_reader *r,
                            const struct yaml_node *n)
{
    struct manifest_secret *s = secret_of(r);
    bool is_header = s->delivery == SECRET_HEADER;

    if (s->source == 0)
        return manifest_fail(r, n->line,
                             "a secret needs a source: credential, file or "
                             "identity_token");
    if (s->delivery == 0)
        s->delivery = SECRET_PIPE;
    if (!is_header &&
        (s->header.len > 0 || s->prefix.len > 0 || s->host_count > 0))
        return manifest_fail(r, n->line,
                             "header, prefix and hosts belong to as: header");
    if (is_header && (s->header.len == 0 || s->host_count == 0))
        return manifest_fail(r, n->line,
                             "as: header needs header and hosts, to which it "
                             "is added");
    if (s->source == SECRET_IDENTITY_TOKEN && !is_header)
        return manifest_fail(r, n->line,
                             "an identity token is given to the tool anyway; "
                             "here it needs as: header");
    return TS_OK;
}

ts_err manifest_read_secrets(struct manifest_reader *r,
                             const struct yaml_node *n)
{
    struct manifest_secret *list;
    uint32_t i = 0;
    void *p;
    ts_err e;

    if (n->kind != YAML_KIND_MAP || n->count > MANIFEST_SECRETS_MAX)
        return manifest_fail(r, n->line,
                             "secrets: expected at most %d \"NAME: {...}\"",
                             MANIFEST_SECRETS_MAX);
    e = ts_arena_array(r->arena, (size_t)n->count + 1, sizeof(*list), &p);
    if (e != TS_OK)
        return e;
    list = p;
    for (const struct yaml_node *v = n->first; v != NULL; v = v->next) {
        r->at = &list[i];
        list[i++].name = v->key;
        if (!is_secret_name(v->key))
            return manifest_fail(r, v->line,
                                 "the name of a secret is A to Z, 0 to 9 and "
                                 "_, begins with a letter and has %d at most",
                                 ARG_NAME_MAX);
        if ((e = manifest_read_map(r, v, &manifest_secret_map)) != TS_OK ||
            (e = finish_secret(r, v)) != TS_OK)
            return e;
    }
    r->m->secrets = list;
    r->m->secret_count = n->count;
    return TS_OK;
}

/* ---- as a whole --------------------------------------------------------- */

/* A header of this host would be read on the way unless the broker speaks TLS
 * in every entry of it. */
static const char *host_fault(const struct manifest *m, struct ts_str host)
{
    bool found = false;

    for (uint32_t i = 0; i < m->network.allow_count; i++) {
        const struct manifest_host *h = &m->network.allow[i];

        if (!ts_str_eq(h->host, host))
            continue;
        found = true;
        if (!h->tls)
            return "has an entry without tls: true, on which the secret would "
                   "go in the clear";
    }
    return found ? NULL : "is not a host of network.allow, as written there";
}

static ts_err check_header(struct manifest_reader *r, uint32_t line,
                           const struct manifest_secret *s)
{
    char shown[96];

    if (r->m->network.mode != NETWORK_PROXY)
        return manifest_fail(r, line,
                             "as: header needs network: {mode: proxy}, where "
                             "the broker can add it");
    if (s->source == SECRET_IDENTITY_TOKEN && r->m->token.ttl_s == 0)
        return manifest_fail(r, line,
                             "identity_token: true needs the key "
                             "identity_token: with an audience");
    for (uint32_t i = 0; i < s->host_count; i++) {
        const char *fault = host_fault(r->m, s->hosts[i]);

        (void)ts_str_escape(shown, sizeof(shown), s->hosts[i].ptr,
                            s->hosts[i].len);
        if (fault != NULL)
            return manifest_fail(r, line, "hosts: \"%s\" %s", shown, fault);
    }
    return TS_OK;
}

static bool share_a_host(const struct manifest_secret *a,
                         const struct manifest_secret *b)
{
    for (uint32_t i = 0; i < a->host_count; i++)
        for (uint32_t j = 0; j < b->host_count; j++)
            if (ts_str_eq(a->hosts[i], b->hosts[j]))
                return true;
    return false;
}

static bool same_field(struct ts_str a, struct ts_str b)
{
    return a.len > 0 && a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

ts_err manifest_check_secrets(struct manifest_reader *r)
{
    const struct yaml_node *map = yaml_node_find(r->root, "secrets");
    const struct yaml_node *n = map != NULL ? map->first : NULL;

    for (uint32_t i = 0; i < r->m->secret_count; i++, n = n->next) {
        const struct manifest_secret *s = &r->m->secrets[i];
        ts_err e;

        if (s->delivery != SECRET_HEADER)
            continue;
        if ((e = check_header(r, n->line, s)) != TS_OK)
            return e;
        for (uint32_t j = 0; j < i; j++)
            if (same_field(s->header, r->m->secrets[j].header) &&
                share_a_host(s, &r->m->secrets[j]))
                return manifest_fail(r, n->line,
                                     "two secrets for the same header of the "
                                     "same host");
    }
    return TS_OK;
}
