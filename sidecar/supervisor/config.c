/* The keys of tipstaff.yaml, their defaults, and what cannot be combined. */
#include "sidecar/supervisor/config.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/trust/id.h"
#include "sidecar/supervisor/config_box.h"
#include "sidecar/supervisor/config_hook.h"
#include "sidecar/supervisor/config_operators.h"
#include "sidecar/supervisor/config_read.h"

#define MIB              UINT64_C(1048576)
#define SEGMENT_MB       64
#define RESERVE_MB       16
#define GRACE_MS         10000
#define GRACE_MS_MAX     600000
#define START_MS         30000
#define ARENA_BYTES      ((size_t)CONFIG_BYTES_MAX * 40u)
#define MODE_OTHER_WRITE 0002u

static const char *const user_keys[CONFIG_USERS_] = {
    "gate", "recorder", "launcher", "broker", "hook"};
static const char *const user_names[CONFIG_USERS_] = {
    "tipstaff-gate", "tipstaff-recorder", "tipstaff-launcher",
    "tipstaff-broker", "tipstaff-hook"};

static void read_id(struct config_reader *r, const struct yaml_node *n,
                    const char *what, struct ts_str *to)
{
    struct ts_str s = {0};
    const char *copy = NULL;

    if (r->error != TS_OK)
        return;
    if (!yaml_node_str(n, &s) || !trust_id_valid(s)) {
        config_fail(r, n,
                    "%s must be an id: 1 to 128 of A-Z a-z 0-9 . _ @ : + = - "
                    "in segments joined by /",
                    what);
        return;
    }
    r->error = ts_arena_strndup(r->arena, s.ptr, s.len, &copy);
    if (r->error == TS_OK)
        *to = (struct ts_str){copy, s.len};
}

static void read_identity(struct config_reader *r, struct config *c)
{
    const struct yaml_node *id = yaml_node_find(r->map, "sidecar_id");
    const struct yaml_node *aud = yaml_node_find(r->map, "audiences");

    if (id == NULL) {
        config_fail(r, r->map,
                    "sidecar_id is missing; add the name that delegations are "
                    "made out to, such as sidecar_id: acme/build-1");
        return;
    }
    read_id(r, id, "sidecar_id", &c->sidecar_id);
    if (aud == NULL) { /* its own name */
        c->audiences[0] = c->sidecar_id;
        c->audience_count = 1;
        return;
    }
    if (aud->kind != YAML_KIND_LIST || aud->count < 1 ||
        aud->count > TS_AUDIENCES_MAX) {
        config_fail(r, aud, "audiences must be a list of 1 to %d ids",
                    TS_AUDIENCES_MAX);
        return;
    }
    for (const struct yaml_node *n = aud->first; n != NULL; n = n->next)
        read_id(r, n, "an audience", &c->audiences[c->audience_count++]);
}

static void read_dir(struct config_reader *r, const char *key, const char **to)
{
    config_text(r, key, to);
    if (r->error == TS_OK && (*to)[0] != '/')
        config_fail(r, yaml_node_find(r->map, key),
                    "%s must be an absolute path", key);
}

static void read_socket(struct config_reader *r, const char *key,
                        struct config_socket *to)
{
    static const char *const known[] = {"mode", "group", "dir_mode", NULL};
    struct config_reader sub = config_sub(r, key);

    config_keys(&sub, known);
    config_octal(&sub, "mode", &to->mode);
    config_octal(&sub, "dir_mode", &to->dir_mode);
    config_group(&sub, "group", &to->group);
    if (sub.error == TS_OK && sub.map != NULL &&
        (to->dir_mode & MODE_OTHER_WRITE) != 0)
        config_fail(&sub, yaml_node_find(sub.map, "dir_mode"),
                    "dir_mode lets everybody replace the socket; take away the "
                    "last write bit");
    r->error = sub.error;
}

/* One of the words in the list, by index. */
static size_t read_word(struct config_reader *r, const char *key,
                        const char *const *words, const char *all,
                        size_t fallback)
{
    const struct yaml_node *n = yaml_node_find(r->map, key);
    struct ts_str s = {0};

    if (n == NULL)
        return fallback;
    for (size_t i = 0; words[i] != NULL; i++) {
        if (yaml_node_str(n, &s) && ts_str_eq_c(s, words[i]))
            return i;
    }
    config_fail(r, n, "%s must be one of %s", key, all);
    return fallback;
}

static void read_limits(struct config_reader *r, struct config *c)
{
    static const char *const known[] = {"rate", "burst", NULL};
    static const char *const durability[] = {"written", "sync", NULL};
    static const char *const levels[] = {"error", "warn", "info", "debug",
                                         NULL};
    struct config_reader hs = config_sub(r, "handshake");

    config_keys(&hs, known);
    c->handshake_rate =
        (uint32_t)config_number(&hs, "rate", 1, 1000000, TS_HANDSHAKE_RATE);
    c->handshake_burst =
        (uint32_t)config_number(&hs, "burst", 1, 1000000, TS_HANDSHAKE_BURST);
    r->error = hs.error;
    c->durability_sync =
        read_word(r, "durability", durability, "sync, written", 1) == 1;
    c->log_level = (enum log_level)read_word(
        r, "log_level", levels, "error, warn, info, debug", LOG_INFO);
    c->segment_bytes =
        MIB * config_number(r, "segment_mb", 1, 4096, SEGMENT_MB);
    c->reserve_bytes =
        MIB * config_number(r, "reserve_mb", 1, 65536, RESERVE_MB);
    c->grace_ms = config_number(r, "grace_ms", 0, GRACE_MS_MAX, GRACE_MS);
    c->start_ms = config_number(r, "start_ms", 100, GRACE_MS_MAX, START_MS);
}

/* Root runs every process as a user of its own; nobody else can. */
static void read_users(struct config_reader *r, uid_t euid, struct config *c)
{
    struct config_reader sub = config_sub(r, "users");
    static const char *const known[] = {"gate",   "recorder", "launcher",
                                        "broker", "hook",     NULL};

    config_keys(&sub, known);
    if (sub.map != NULL && euid != 0)
        config_fail(&sub, sub.map,
                    "users needs root to change to them; remove it, or start "
                    "the service as root");
    for (size_t i = 0; euid == 0 && i < CONFIG_USERS_; i++) {
        const struct passwd *p;
        bool found = false;

        config_user(&sub, user_keys[i], &c->users[i], &found);
        if (found || sub.error != TS_OK)
            continue;
        if ((i == CONFIG_USER_BROKER && !c->egress.on) ||
            (i == CONFIG_USER_HOOK && !c->hook.on))
            continue; /* there is none */
        p = getpwnam(user_names[i]);
        if (p != NULL)
            c->users[i] = (struct config_user){p->pw_uid, p->pw_gid};
        else
            config_fail(&sub, sub.map,
                        "there is no user %s to run the %s as; create it "
                        "(systemd-sysusers) or write users: {%s: NAME or uid}",
                        user_names[i], user_keys[i], user_keys[i]);
    }
    for (size_t i = 1; euid == 0 && i < CONFIG_USERS_; i++)
        for (size_t j = 0; j < i; j++)
            if (c->users[i].uid == c->users[j].uid && c->users[i].uid != 0)
                config_fail(&sub, sub.map,
                            "%s and %s would run as the same user; each needs "
                            "its own",
                            user_keys[j], user_keys[i]);
    c->change_users = euid == 0;
    r->error = sub.error;
}

static void check_together(struct config_reader *r, const struct config *c)
{
    const char *const dirs[] = {c->run_dir, c->state_dir, c->log_dir};
    static const char *const keys[] = {"run_dir", "state_dir", "log_dir"};

    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(dirs[i], dirs[j]) == 0)
                config_fail(r, yaml_node_find(r->map, keys[i]),
                            "%s and %s are the same directory", keys[j],
                            keys[i]);
    if (c->token_key != NULL && strcmp(c->token_key, c->key) == 0)
        config_fail(r, yaml_node_find(r->map, "token_key"),
                    "token_key and key are the same; every key has one role, "
                    "make another with `tipstaff key new`");
    if (c->reserve_bytes < c->segment_bytes / 64)
        config_fail(r, yaml_node_find(r->map, "reserve_mb"),
                    "reserve_mb is too small for segment_mb; at least a 64th");
}

static void read_all(struct config_reader *r, uid_t euid, struct config *c)
{
    static const char *const known[] = {"sidecar_id",
                                        "audiences",
                                        "key",
                                        "token_key",
                                        "run_dir",
                                        "state_dir",
                                        "log_dir",
                                        "durability",
                                        "sandbox",
                                        "egress",
                                        "approvals",
                                        "agent_socket",
                                        "admin_socket",
                                        "admin_uids",
                                        "tenant_operators",
                                        "allow_root_agents",
                                        "require_pidfd",
                                        "segment_mb",
                                        "reserve_mb",
                                        "handshake",
                                        "grace_ms",
                                        "start_ms",
                                        "log_level",
                                        "users",
                                        NULL};

    if (r->map->kind != YAML_KIND_MAP) {
        config_fail(r, r->map, "the file must be a map of keys and values");
        return;
    }
    config_keys(r, known);
    read_identity(r, c);
    config_text(r, "key", &c->key);
    config_text(r, "token_key", &c->token_key);
    read_dir(r, "run_dir", &c->run_dir);
    read_dir(r, "state_dir", &c->state_dir);
    read_dir(r, "log_dir", &c->log_dir);
    read_socket(r, "agent_socket", &c->agent);
    read_socket(r, "admin_socket", &c->admin);
    config_operators(r, euid, c);
    config_flag(r, "allow_root_agents", &c->allow_root_agents);
    config_flag(r, "require_pidfd", &c->require_pidfd);
    read_limits(r, c);
    config_sandbox(r, euid, c);
    config_egress(r, c);
    config_hook(r, euid, c);
    read_users(r, euid, c);
    if (r->error == TS_OK)
        check_together(r, c);
    if (r->error == TS_OK)
        config_uids_check(r, c);
    if (r->error == TS_OK)
        config_hook_user(r, c);
}

ts_err config_parse(struct ts_str text, const char *name, uid_t euid,
                    struct config *ret, char *reterr_text)
{
    struct config c = {.key = "keys/sidecar.seed",
                       .run_dir = "/run/tipstaff",
                       .state_dir = "/var/lib/tipstaff",
                       .log_dir = "/var/log/tipstaff",
                       .agent = {0660, 0750, CONFIG_ID_NONE},
                       .admin = {0660, 0750, CONFIG_ID_NONE}};
    struct config_reader r = {.file = name, .text = reterr_text};
    struct yaml_fail fail = {0};
    struct yaml_node *root = NULL;
    const char *copy = NULL;
    ts_err e;

    ts_arena_init(&c.arena, ARENA_BYTES);
    r.arena = &c.arena;
    e = yaml_tree_parse(text, &c.arena, &root, &fail);
    if (e != TS_OK)
        (void)snprintf(reterr_text, CONFIG_ERR_MAX, "%s:%u: %s", name,
                       fail.line, fail.text);
    if (e == TS_OK) {
        r.map = root;
        reterr_text[0] = '\0';
        read_all(&r, euid, &c);
        e = r.error;
    }
    if (e == TS_OK)
        e = ts_arena_strndup(&c.arena, text.ptr, text.len, &copy);
    if (e != TS_OK) {
        if (e == TS_E_NOMEM)
            (void)snprintf(reterr_text, CONFIG_ERR_MAX, "%s: out of memory",
                           name);
        config_done(&c);
        return e;
    }
    c.text = (struct ts_str){copy, text.len};
    *ret = c;
    return TS_OK;
}

static ts_err read_file(int dir_fd, const char *file, char *buf, size_t *ret)
{
    int fd TS_CLEANUP(ts_fd_close) =
        openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t len;
    ts_err e;

    if (fd < 0)
        return ts_err_from_errno(errno);
    e = ts_fd_read_all(fd, buf, CONFIG_BYTES_MAX + 1, &len);
    if (e == TS_OK && len > CONFIG_BYTES_MAX)
        e = TS_E_LIMIT;
    if (e == TS_OK)
        *ret = len;
    return e;
}

ts_err config_load(int dir_fd, const char *file, uid_t euid, struct config *ret,
                   char *reterr_text)
{
    struct ts_arena room;
    void *buf = NULL;
    size_t len = 0;
    ts_err e;

    ts_arena_init(&room, CONFIG_BYTES_MAX + 64);
    e = ts_arena_alloc(&room, CONFIG_BYTES_MAX + 1, &buf);
    if (e == TS_OK)
        e = read_file(dir_fd, file, buf, &len);
    if (e != TS_OK)
        (void)snprintf(reterr_text, CONFIG_ERR_MAX,
                       "%s: %s; `tipstaff init DIR` writes a complete "
                       "configuration",
                       file, ts_err_text(e));
    else
        e = config_parse((struct ts_str){buf, len}, file, euid, ret,
                         reterr_text);
    ts_arena_done(&room);
    return e;
}

void config_done(struct config *c)
{
    ts_arena_done(&c->arena);
    *c = (struct config){0};
}
