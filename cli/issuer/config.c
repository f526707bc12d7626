#include "cli/issuer/config.h"

#include <string.h>

#include "proto/token/base64url.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/people/yaml_doc.h"

static const char *const alg_names[IDP_ALG_COUNT_] = {"EdDSA", "Ed25519",
                                                      "RS256", "ES256"};

const char *idp_alg_name(enum idp_alg alg)
{
    return alg < IDP_ALG_COUNT_ ? alg_names[alg] : "none";
}

bool idp_alg_is_external(enum idp_alg alg)
{
    return alg != IDP_EDDSA && alg != IDP_ED25519;
}

const struct idp *idp_find(const struct idp_config *c, struct ts_str iss)
{
    for (size_t i = 0; i < c->count; i++)
        if (ts_str_eq(c->list[i].iss, iss))
            return &c->list[i];
    return NULL;
}

const struct idp_key *idp_key_find(const struct idp *idp, struct ts_str kid)
{
    for (size_t i = 0; i < idp->key_count; i++)
        if (ts_str_eq(idp->keys[i].kid, kid))
            return &idp->keys[i];
    return NULL;
}

struct reader {
    struct yaml_file f;
    struct ts_arena *arena; /* what outlives the file */
};

static ts_err known_keys(struct reader *r, const struct yaml_node *map,
                         const char *what, const char *const *names)
{
    char shown[64];

    if (map->kind != YAML_KIND_MAP)
        return yaml_fail(&r->f, map, "%s must be a mapping (key: value)", what);
    for (const struct yaml_node *n = map->first; n != NULL; n = n->next) {
        size_t i = 0;

        while (names[i] != NULL && !ts_str_eq_c(n->key, names[i]))
            i++;
        if (names[i] != NULL)
            continue;
        (void)ts_str_escape(shown, sizeof(shown), n->key.ptr, n->key.len);
        return yaml_fail(&r->f, n,
                         "unknown key \"%s\" in %s; tipstaff-issuer(1) lists "
                         "the known ones",
                         shown, what);
    }
    return TS_OK;
}

static ts_err need_text(struct reader *r, const struct yaml_node *map,
                        const char *key, size_t max, struct ts_str *ret)
{
    const struct yaml_node *n;
    ts_err e = yaml_need(&r->f, map, "the issuer", key, &n);

    return e == TS_OK ? yaml_text(&r->f, n, key, max, r->arena, ret) : e;
}

static ts_err need_id(struct reader *r, const struct yaml_node *map,
                      const char *key, struct ts_str *ret)
{
    const struct yaml_node *n;
    ts_err e = yaml_need(&r->f, map, "the issuer", key, &n);

    return e == TS_OK ? yaml_id(&r->f, n, key, r->arena, ret) : e;
}

static ts_err read_alg(struct reader *r, const struct yaml_node *map,
                       struct idp *idp)
{
    const struct yaml_node *n;
    struct ts_str s = {0};
    ts_err e = yaml_need(&r->f, map, "the issuer", "alg", &n);

    if (e != TS_OK || (e = yaml_text(&r->f, n, "alg", 16, r->arena, &s)))
        return e;
    for (unsigned i = 0; i < IDP_ALG_COUNT_; i++) {
        if (ts_str_eq_c(s, alg_names[i])) {
            idp->alg = (enum idp_alg)i;
            return TS_OK;
        }
    }
    return yaml_fail(&r->f, n,
                     "alg must be EdDSA or Ed25519, or, with a verifier, RS256 "
                     "or ES256");
}

/* A key enters once, under one kid. */
static ts_err add_key(struct reader *r, const struct yaml_node *at,
                      struct idp *idp, struct ts_str kid, struct ts_str x)
{
    struct idp_key k = {.kid = kid};
    size_t len = 0;

    if (base64url_decode(x, k.pk, sizeof(k.pk), &len) != TS_OK ||
        len != sizeof(k.pk) || trust_pk_check(k.pk) != TS_OK)
        return yaml_fail(&r->f, at,
                         "x is not an Ed25519 public key in base64url");
    if (idp_key_find(idp, kid) != NULL)
        return yaml_fail(&r->f, at, "two keys have the same kid");
    idp->keys[idp->key_count++] = k;
    return TS_OK;
}

static ts_err read_keys(struct reader *r, const struct yaml_node *map,
                        struct idp *idp)
{
    static const char *const names[] = {"kid", "x", NULL};
    const struct yaml_node *n;
    size_t count;
    ts_err e = yaml_list(&r->f, yaml_node_find(map, "keys"), "keys",
                         IDP_KEYS_MAX, &n, &count);

    for (; e == TS_OK && n != NULL; n = n->next) {
        struct ts_str kid = {0}, x = {0};

        if ((e = known_keys(r, n, "a key", names)) == TS_OK &&
            (e = need_text(r, n, "kid", IDP_KID_MAX, &kid)) == TS_OK &&
            (e = need_text(r, n, "x", 64, &x)) == TS_OK)
            e = add_key(r, n, idp, kid, x);
    }
    return e;
}

static ts_err read_texts(struct reader *r, const struct yaml_node *map,
                         const char *key, struct ts_str *to, size_t *ret_count)
{
    const struct yaml_node *n;
    size_t count, i = 0;
    ts_err e = yaml_list(&r->f, yaml_node_find(map, key), key, IDP_LIST_MAX, &n,
                         &count);

    for (; e == TS_OK && n != NULL; n = n->next)
        e = yaml_text(&r->f, n, key, IDP_TEXT_MAX, r->arena, &to[i++]);
    *ret_count = count;
    return e;
}

static ts_err read_verifier(struct reader *r, const struct yaml_node *map,
                            struct idp *idp)
{
    const struct yaml_node *n = yaml_node_find(map, "verifier");
    struct ts_str words[IDP_LIST_MAX] = {0};
    size_t count;
    void *p;
    ts_err e = read_texts(r, map, "verifier", words, &count);

    if (e != TS_OK || n == NULL)
        return e;
    if (count == 0 || words[0].ptr == NULL || words[0].ptr[0] != '/')
        return yaml_fail(&r->f, n,
                         "verifier must be a list, the absolute path of a "
                         "program and its arguments");
    e = ts_arena_array(r->arena, count + 1, sizeof(*idp->verifier), &p);
    if (e != TS_OK)
        return e;
    idp->verifier = p;
    for (size_t i = 0; i < count; i++)
        idp->verifier[i] = words[i].ptr; /* yaml_text() ends them in NUL */
    return TS_OK;
}

static ts_err read_require(struct reader *r, const struct yaml_node *map,
                           struct idp *idp)
{
    const struct yaml_node *n;
    size_t count;
    ts_err e = yaml_pairs(&r->f, yaml_node_find(map, "require"), "require",
                          IDP_LIST_MAX, &n, &count);

    for (; e == TS_OK && n != NULL; n = n->next) {
        struct idp_pair *p = &idp->require[idp->require_count++];
        const char *copy;

        e = ts_arena_strndup(r->arena, n->key.ptr, n->key.len, &copy);
        if (e != TS_OK)
            return e;
        p->key = (struct ts_str){.ptr = copy, .len = n->key.len};
        e = yaml_text(&r->f, n, "a value of require", IDP_TEXT_MAX, r->arena,
                      &p->value);
    }
    return e;
}

static ts_err read_users(struct reader *r, const struct yaml_node *map,
                         struct idp *idp)
{
    const struct yaml_node *n;
    size_t count, i = 0;
    void *p;
    ts_err e = yaml_pairs(&r->f, map, "users", IDP_USERS_MAX, &n, &count);

    if (e != TS_OK || (e = ts_arena_array(r->arena, count + 1,
                                          sizeof(*idp->users), &p)) != TS_OK)
        return e;
    idp->users = p;
    for (; e == TS_OK && n != NULL; n = n->next) {
        struct idp_pair *u = &idp->users[i++];
        const char *copy;

        if (n->key.len == 0 || n->key.len > IDP_SUB_MAX)
            return yaml_fail(&r->f, n, "a subject has 1 to %d bytes",
                             IDP_SUB_MAX);
        e = ts_arena_strndup(r->arena, n->key.ptr, n->key.len, &copy);
        if (e != TS_OK)
            return e;
        u->key = (struct ts_str){.ptr = copy, .len = n->key.len};
        e = yaml_id(&r->f, n, "a user", r->arena, &u->value);
    }
    idp->user_count = count;
    return e;
}

static ts_err read_users_or_file(struct reader *r, const struct yaml_node *map,
                                 struct idp *idp)
{
    const struct yaml_node *n;
    ts_err e = yaml_need(&r->f, map, "the issuer", "users", &n);

    if (e != TS_OK)
        return e;
    if (n->kind == YAML_KIND_SCALAR)
        return yaml_text(&r->f, n, "users", IDP_TEXT_MAX, r->arena,
                         &idp->users_file);
    return read_users(r, n, idp);
}

static ts_err read_numbers(struct reader *r, const struct yaml_node *map,
                           struct idp *idp)
{
    const struct yaml_node *n = yaml_node_find(map, "max_ttl_s");
    ts_err e = TS_OK;

    idp->max_ttl_s = TS_TTL_DEFAULT_S;
    if (n != NULL) {
        e = yaml_uint(&r->f, n, "max_ttl_s", TS_TTL_HARD_S, &idp->max_ttl_s);
        if (e == TS_OK && idp->max_ttl_s == 0)
            e = yaml_fail(&r->f, n, "max_ttl_s must be 1 or more");
    }
    if (e == TS_OK && (n = yaml_node_find(map, "max_auth_age_s")) != NULL) {
        e = yaml_uint(&r->f, n, "max_auth_age_s", 31536000,
                      &idp->max_auth_age_s);
        if (e == TS_OK && idp->max_auth_age_s == 0)
            e = yaml_fail(&r->f, n, "max_auth_age_s must be 1 or more");
    }
    return e;
}

/* What the single values do not show. */
static ts_err check_issuer(struct reader *r, const struct yaml_node *map,
                           const struct idp_config *c, const struct idp *idp)
{
    bool external = idp_alg_is_external(idp->alg);
    bool has_keys = idp->key_count > 0 || idp->jwks_file.len > 0;

    if (idp_find(c, idp->iss) != NULL)
        return yaml_fail(&r->f, map, "two issuers have the same iss");
    if (external && has_keys)
        return yaml_fail(&r->f, map,
                         "keys and jwks are for EdDSA; give the keys of a "
                         "%s issuer to its verifier",
                         idp_alg_name(idp->alg));
    if (!external && idp->verifier != NULL)
        return yaml_fail(&r->f, map,
                         "%s is verified here; a verifier is for RS256 and "
                         "ES256",
                         idp_alg_name(idp->alg));
    if (!external && !has_keys)
        return yaml_fail(&r->f, map,
                         "the issuer has no keys; give keys or jwks");
    return TS_OK;
}

static ts_err read_issuer(struct reader *r, const struct yaml_node *map,
                          const struct idp_config *c, struct idp *idp)
{
    static const char *const names[] = {"iss",
                                        "client_id",
                                        "alg",
                                        "keys",
                                        "jwks",
                                        "verifier",
                                        "tenant",
                                        "issuer",
                                        "acr",
                                        "amr",
                                        "require",
                                        "max_ttl_s",
                                        "max_auth_age_s",
                                        "users",
                                        NULL};
    const struct yaml_node *jwks;
    ts_err e = known_keys(r, map, "an issuer", names);

    if (e != TS_OK ||
        (e = need_text(r, map, "iss", IDP_TEXT_MAX, &idp->iss)) != TS_OK ||
        (e = need_text(r, map, "client_id", IDP_TEXT_MAX, &idp->client_id)) !=
            TS_OK ||
        (e = read_alg(r, map, idp)) != TS_OK ||
        (e = read_keys(r, map, idp)) != TS_OK ||
        (e = read_verifier(r, map, idp)) != TS_OK ||
        (e = need_id(r, map, "tenant", &idp->tenant)) != TS_OK ||
        (e = need_id(r, map, "issuer", &idp->name)) != TS_OK ||
        (e = read_texts(r, map, "acr", idp->acr, &idp->acr_count)) != TS_OK ||
        (e = read_texts(r, map, "amr", idp->amr, &idp->amr_count)) != TS_OK ||
        (e = read_require(r, map, idp)) != TS_OK ||
        (e = read_numbers(r, map, idp)) != TS_OK ||
        (e = read_users_or_file(r, map, idp)) != TS_OK)
        return e;
    jwks = yaml_node_find(map, "jwks");
    if (jwks != NULL && (e = yaml_text(&r->f, jwks, "jwks", IDP_TEXT_MAX,
                                       r->arena, &idp->jwks_file)) != TS_OK)
        return e;
    return check_issuer(r, map, c, idp);
}

static ts_err read_all(struct reader *r, struct idp_config *c)
{
    static const char *const names[] = {"issuers", NULL};
    const struct yaml_node *n;
    size_t count;
    ts_err e = known_keys(r, r->f.root, "the file", names);

    if (e != TS_OK ||
        (e = yaml_need(&r->f, r->f.root, "the file", "issuers", &n)) != TS_OK ||
        (e = yaml_list(&r->f, n, "issuers", IDP_MAX, &n, &count)) != TS_OK)
        return e;
    if (count == 0)
        return yaml_fail(&r->f, r->f.root, "issuers is empty");
    for (; e == TS_OK && n != NULL; n = n->next) {
        e = read_issuer(r, n, c, &c->list[c->count]);
        if (e == TS_OK)
            c->count++;
    }
    return e;
}

static ts_err open_file(struct reader *r, struct ts_str name,
                        struct ts_str text, char *reterr_text, size_t cap)
{
    static const struct yaml_limits limits = {.depth = YAML_TREE_DEPTH_MAX,
                                              .nodes = YAML_TREE_NODES_MAX};
    const struct bundle_file file = {.name = name, .content = text};

    return yaml_open_within(&r->f, &file, &limits, (size_t)32 << 20,
                            reterr_text, cap);
}

ts_err idp_config_read(struct ts_str name, struct ts_str text,
                       struct ts_arena *arena, struct idp_config *ret,
                       char *reterr_text, size_t reterr_cap)
{
    struct reader r = {.arena = arena};
    ts_err e = open_file(&r, name, text, reterr_text, reterr_cap);

    if (e != TS_OK)
        return e;
    memset(ret, 0, sizeof(*ret));
    e = read_all(&r, ret);
    yaml_close(&r.f);
    return e;
}

ts_err idp_users_read(struct ts_str name, struct ts_str text,
                      struct ts_arena *arena, struct idp *idp,
                      char *reterr_text, size_t reterr_cap)
{
    struct reader r = {.arena = arena};
    ts_err e = open_file(&r, name, text, reterr_text, reterr_cap);

    if (e != TS_OK)
        return e;
    e = read_users(&r, r.f.root, idp);
    yaml_close(&r.f);
    return e;
}
