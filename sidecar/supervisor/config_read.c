/* One value at a time out of the YAML tree, with the line of each mistake. */
#include "sidecar/supervisor/config_read.h"

#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOBODY 65534u /* the kernel's overflow id stands for nobody known */

void config_fail(struct config_reader *r, const struct yaml_node *at,
                 const char *fmt, ...)
{
    unsigned line = at != NULL ? at->line : 1;
    va_list ap;
    int n;

    if (r->error != TS_OK)
        return;
    r->error = TS_E_INVALID;
    n = snprintf(r->text, CONFIG_ERR_MAX, "%s:%u: ", r->file, line);
    if (n < 0 || n >= CONFIG_ERR_MAX)
        return;
    va_start(ap, fmt);
    if (vsnprintf(r->text + n, CONFIG_ERR_MAX - (size_t)n, fmt, ap) < 0)
        r->text[n] = '\0';
    va_end(ap);
}

static void list_keys(const char *const *known, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; known[i] != NULL; i++) {
        int n =
            snprintf(out + len, cap - len, "%s%s", i > 0 ? ", " : "", known[i]);

        if (n < 0 || (size_t)n >= cap - len)
            return;
        len += (size_t)n;
    }
}

void config_keys(struct config_reader *r, const char *const *known)
{
    if (r->map == NULL)
        return;
    for (const struct yaml_node *n = r->map->first; n != NULL; n = n->next) {
        char shown[128], all[320];
        bool found = false;

        for (size_t i = 0; known[i] != NULL; i++)
            found = found || ts_str_eq_c(n->key, known[i]);
        if (found)
            continue;
        (void)ts_str_escape(shown, sizeof(shown), n->key.ptr, n->key.len);
        list_keys(known, all, sizeof(all));
        config_fail(r, n, "unknown key %s; known here: %s", shown, all);
    }
}

static const struct yaml_node *find(struct config_reader *r, const char *key)
{
    return r->map == NULL ? NULL : yaml_node_find(r->map, key);
}

void config_text(struct config_reader *r, const char *key, const char **to)
{
    const struct yaml_node *n = find(r, key);
    struct ts_str s;

    if (n == NULL || r->error != TS_OK)
        return;
    if (!yaml_node_str(n, &s) || s.len == 0 ||
        memchr(s.ptr, '\0', s.len) != NULL)
        config_fail(r, n, "%s must be a text that is not empty", key);
    else if ((r->error = ts_arena_strndup(r->arena, s.ptr, s.len, to)) != TS_OK)
        r->text[0] = '\0';
}

void config_flag(struct config_reader *r, const char *key, bool *to)
{
    const struct yaml_node *n = find(r, key);

    if (n != NULL && !yaml_node_bool(n, to))
        config_fail(r, n, "%s must be true or false", key);
}

uint64_t config_number(struct config_reader *r, const char *key, uint64_t low,
                       uint64_t high, uint64_t fallback)
{
    const struct yaml_node *n = find(r, key);
    int64_t v = 0;

    if (n == NULL)
        return fallback;
    if (!yaml_node_int(n, &v) || v < 0 || (uint64_t)v < low ||
        (uint64_t)v > high) {
        config_fail(r, n, "%s must be a number from %llu to %llu", key,
                    (unsigned long long)low, (unsigned long long)high);
        return fallback;
    }
    return (uint64_t)v;
}

void config_octal(struct config_reader *r, const char *key, mode_t *to)
{
    const struct yaml_node *n = find(r, key);
    struct ts_str s = {0};
    mode_t mode = 0;
    bool ok;

    if (n == NULL)
        return;
    ok = yaml_node_str(n, &s) && s.len == 4 && s.ptr[0] == '0';
    for (size_t i = 0; ok && i < s.len; i++) {
        ok = s.ptr[i] >= '0' && s.ptr[i] <= '7';
        mode = mode * 8 + (mode_t)(s.ptr[i] - '0');
    }
    if (!ok)
        config_fail(r, n,
                    "%s must be four octal digits in quotes, such as \"0660\"",
                    key);
    else
        *to = mode;
}

/* A plain number, or false. */
static bool as_id(struct ts_str s, uint32_t *ret)
{
    uint64_t v = 0;

    if (s.len == 0 || s.len > 10)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(s.ptr[i] - '0');
    }
    if (v >= UINT32_MAX)
        return false;
    *ret = (uint32_t)v;
    return true;
}

void config_group(struct config_reader *r, const char *key, gid_t *to)
{
    const struct yaml_node *n = find(r, key);
    const struct group *g;
    struct ts_str s = {0};
    char shown[64];

    if (n == NULL || r->error != TS_OK)
        return;
    if (!yaml_node_str(n, &s) || s.len == 0) {
        config_fail(r, n, "%s must be a group's name or number", key);
        return;
    }
    if (as_id(s, to))
        return;
    g = getgrnam(s.ptr); /* a NUL follows every scalar of the tree */
    if (g != NULL) {
        *to = g->gr_gid;
        return;
    }
    (void)ts_str_escape(shown, sizeof(shown), s.ptr, s.len);
    config_fail(r, n,
                "there is no group %s; create it (systemd-sysusers) or "
                "give a number",
                shown);
}

void config_user(struct config_reader *r, const char *key,
                 struct config_user *to, bool *ret_found)
{
    const struct yaml_node *n = find(r, key);
    const struct passwd *p;
    struct ts_str s = {0};
    char shown[64];
    uint32_t id = 0;

    if (n == NULL || r->error != TS_OK)
        return;
    if (!yaml_node_str(n, &s) || s.len == 0) {
        config_fail(r, n, "%s must be a user's name or number", key);
        return;
    }
    (void)ts_str_escape(shown, sizeof(shown), s.ptr, s.len);
    if (as_id(s, &id)) {
        *to = (struct config_user){id, id};
    } else if ((p = getpwnam(s.ptr)) != NULL) {
        *to = (struct config_user){p->pw_uid, p->pw_gid};
    } else {
        config_fail(r, n,
                    "there is no user %s; create it (systemd-sysusers) or "
                    "give a number",
                    shown);
        return;
    }
    if (to->uid == 0 || to->gid == 0 || to->uid == NOBODY)
        config_fail(r, n, "%s may not run as %s; give it a user of its own",
                    key, shown);
    *ret_found = true;
}

struct config_reader config_sub(struct config_reader *r, const char *key)
{
    struct config_reader sub = *r;
    const struct yaml_node *n = find(r, key);

    sub.map = n;
    if (n != NULL && n->kind != YAML_KIND_MAP) {
        config_fail(r, n,
                    "%s must be a map of keys and values, such as %s: "
                    "{KEY: VALUE}; {} is all defaults",
                    key, key);
        sub.map = NULL;
        sub.error = r->error;
    }
    return sub;
}
