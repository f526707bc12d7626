/* The environment of a tool: made from nothing, once, when it is loaded. */
#include <stdio.h>
#include <string.h>

#include "sidecar/launcher/tools/tools_priv.h"

#define NETWORK_ENV_MAX 6 /* variables that a network adds */

static ts_err put_env(const struct opener *o, uint32_t *at, const char *key,
                      size_t key_len, struct ts_str value)
{
    size_t len = key_len + 1 + value.len;
    void *p;
    ts_err e = ts_arena_alloc(&o->set->arena, len + 1, &p);

    if (e != TS_OK)
        return tool_fail(o, "env", value, ts_err_text(e));
    memcpy(p, key, key_len);
    ((char *)p)[key_len] = '=';
    if (value.len > 0)
        memcpy((char *)p + key_len + 1, value.ptr, value.len);
    o->tool->env[(*at)++] = p;
    return TS_OK;
}

static bool has_env(const struct manifest *m, const char *key)
{
    for (uint32_t i = 0; i < m->env_count; i++) {
        if (ts_str_eq_c(m->env[i].key, key))
            return true;
    }
    return false;
}

/* What is given to the tool at GIVEN_SECRET and behind it, in this order. */
static ts_err name_secrets(const struct opener *o, uint32_t *at)
{
    const struct manifest *m = o->tool->m;
    int number = GIVEN_SECRET;

    for (uint32_t i = 0; i < m->secret_count; i++) {
        const struct manifest_secret *s = &m->secrets[i];
        char key[512], value[16];
        ts_err e;
        int n;

        if (s->delivery == SECRET_HEADER)
            continue;
        n = snprintf(key, sizeof(key), "TIPSTAFF_SECRET_%.*s_FD",
                     (int)s->name.len, s->name.ptr);
        (void)snprintf(value, sizeof(value), "%d", number++);
        if (n < 0 || (size_t)n >= sizeof(key))
            return tool_fail(o, "secrets", s->name, "the name is too long");
        e = put_env(o, at, key, (size_t)n, ts_str_of(value));
        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}

/* How an unmodified program finds its way out. What the manifest sets itself
 * stays as it is. */
static ts_err name_network(const struct opener *o, uint32_t *at)
{
    static const char *const proxies[] = {"http_proxy",  "https_proxy",
                                          "all_proxy",   "HTTP_PROXY",
                                          "HTTPS_PROXY", "ALL_PROXY"};
    const struct manifest *m = o->tool->m;
    char number[16];
    ts_err e = TS_OK;

    if (m->network.mode == NETWORK_BROKER) {
        (void)snprintf(number, sizeof(number), "%d", GIVEN_EGRESS);
        e = put_env(o, at, "TIPSTAFF_EGRESS_FD", 18, ts_str_of(number));
        if (e == TS_OK && o->set->host.preload != NULL &&
            !has_env(m, "LD_PRELOAD"))
            e = put_env(o, at, "LD_PRELOAD", 10,
                        ts_str_of(o->set->host.preload));
    }
    for (size_t i = 0;
         m->network.mode == NETWORK_PROXY && e == TS_OK && i < NETWORK_ENV_MAX;
         i++) {
        if (!has_env(m, proxies[i]))
            e = put_env(o, at, proxies[i], strlen(proxies[i]),
                        TS_STR_LIT("http://127.0.0.1:3128"));
    }
    return e;
}

/* From nothing: no variable of ours is ever handed on. */
ts_err tool_make_env(const struct opener *o)
{
    static const struct {
        const char *key, *value;
    } usual[] = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                 {"LANG", "C.UTF-8"},
                 {"HOME", "/nonexistent"}};
    const struct manifest *m = o->tool->m;
    uint32_t at = TOOL_ENV_SLOTS;
    void *p;
    ts_err e;

    e = ts_arena_array(&o->set->arena,
                       m->env_count + m->secret_count + TOOL_ENV_SLOTS + 4 +
                           NETWORK_ENV_MAX,
                       sizeof(*o->tool->env), &p);
    if (e != TS_OK)
        return tool_fail(o, "env", m->tool, ts_err_text(e));
    o->tool->env = p;
    for (size_t i = 0; i < 3; i++) {
        if (!has_env(m, usual[i].key) &&
            (e = put_env(o, &at, usual[i].key, strlen(usual[i].key),
                         ts_str_of(usual[i].value))) != TS_OK)
            return e;
    }
    for (uint32_t i = 0; i < m->env_count; i++) {
        if ((e = put_env(o, &at, m->env[i].key.ptr, m->env[i].key.len,
                         m->env[i].value)) != TS_OK)
            return e;
    }
    if ((e = name_network(o, &at)) != TS_OK)
        return e;
    return name_secrets(o, &at);
}
