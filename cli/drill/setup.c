/* Whose keys, which sockets, what uid: from options, else the configuration. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/directory/view.h"
#include "cli/drill/drill.h"
#include "cli/files.h"

#define AGENT_END "/agent/agent.sock"
#define ADMIN_END "/admin/admin.sock"

static bool key_file(const struct drill_options *o, const char *given,
                     const char *name, struct trust_secret *ret)
{
    char path[DRILL_PATH_CAP];
    int n = given != NULL ? snprintf(path, sizeof(path), "%s", given)
                          : snprintf(path, sizeof(path), "%s/keys/%s.seed",
                                     o->config, name);

    if (n < 0 || (size_t)n >= sizeof(path)) {
        cli_error("%s: the path of a key is too long", name);
        return false;
    }
    return cli_secret_key(path, ret);
}

static struct ts_str copy(struct drill *d, struct ts_str s)
{
    void *p;

    if (ts_arena_alloc(d->arena, s.len + 1, &p) != TS_OK)
        return (struct ts_str){.ptr = ""};
    memcpy(p, s.ptr, s.len);
    return (struct ts_str){.ptr = p, .len = s.len};
}

static bool known_issuer(struct drill *d, const struct dir_view *v)
{
    for (size_t i = 0; i < v->trust.count; i++) {
        const struct trust_key *k = &v->trust.keys[i];

        if (k->role == TRUST_ROLE_ISSUER &&
            memcmp(k->pk, d->issuer_key.pk, TRUST_PK_LEN) == 0) {
            d->issuer = copy(d, k->name);
            return true;
        }
    }
    cli_error("the issuer's key is not in trust.yaml of tenant %s; give "
              "another with --issuer-key",
              v->place.tenant);
    return false;
}

/* The first active user, unless one is named. */
static bool choose_user(struct drill *d, const struct directory_snapshot *s)
{
    if (d->opt->user != NULL) {
        d->user = ts_str_of(d->opt->user);
        return true;
    }
    for (uint32_t i = 0; i < s->user_count; i++)
        if (s->users[i].active) {
            d->user = copy(d, s->users[i].id);
            return true;
        }
    cli_error("the directory has no active user");
    return false;
}

/* The one that is named, else the first that has a key and may run as a uid. */
static bool choose_agent(struct drill *d, const struct directory_snapshot *s)
{
    for (uint32_t i = 0; i < s->agent_count; i++) {
        const struct directory_agent *a = &s->agents[i];

        if (d->opt->agent != NULL
                ? !ts_str_eq_c(a->id, d->opt->agent)
                : !a->active || a->key_count == 0 || a->uid_count == 0)
            continue;
        d->agent = copy(d, a->id);
        d->uid = a->uid_count > 0 ? (uid_t)a->uids[0] : geteuid();
        return true;
    }
    cli_error("%s: no such agent in the directory%s",
              d->opt->agent != NULL ? d->opt->agent : "--agent",
              d->opt->agent != NULL ? "" : " that is active and has a key");
    return false;
}

static bool choose_ids(struct drill *d)
{
    const struct drill_options *o = d->opt;
    const struct passwd *pw;

    if (o->uid != UINT64_MAX)
        d->uid = (uid_t)o->uid;
    d->drop = geteuid() == 0 && d->uid != 0;
    if (!d->drop && d->uid != geteuid()) {
        cli_error("the agent runs as uid %u: as root this becomes that uid, as "
                  "another user it cannot",
                  (unsigned)d->uid);
        return false;
    }
    pw = getpwuid(d->uid);
    d->gid = o->gid != UINT64_MAX ? (gid_t)o->gid
             : !d->drop           ? getegid()
             : pw != NULL         ? pw->pw_gid
                                  : (gid_t)d->uid;
    /* The socket may be open to a group that the user is in. */
    d->group_count =
        d->drop && pw != NULL && o->gid == UINT64_MAX ? DRILL_GROUPS_MAX : 0;
    if (d->group_count > 0 &&
        getgrouplist(pw->pw_name, d->gid, d->groups, &d->group_count) < 0)
        d->group_count = DRILL_GROUPS_MAX; /* the first ones */
    return true;
}

/* agent.sock stands beside admin.sock. */
static bool choose_sockets(struct drill *d, struct dir_view *v)
{
    size_t n, end = strlen(ADMIN_END);
    void *p;

    if (d->opt->admin != NULL)
        d->admin = d->opt->admin;
    else if (!dir_place_socket(&v->place, &v->arena, &d->admin))
        return false;
    d->admin = copy(d, ts_str_of(d->admin)).ptr;
    d->socket = d->opt->socket;
    if (d->socket != NULL)
        return true;
    n = strlen(d->admin);
    if (n < end || strcmp(d->admin + n - end, ADMIN_END) != 0) {
        cli_error("where is agent.sock? give it with --socket");
        return false;
    }
    if (ts_arena_alloc(d->arena, n + strlen(AGENT_END) + 1, &p) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    (void)snprintf(p, n + strlen(AGENT_END) + 1, "%.*s%s", (int)(n - end),
                   d->admin, AGENT_END);
    d->socket = p;
    return true;
}

static bool make_dir(struct drill *d)
{
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(d->dir, sizeof(d->dir), "%s/tipstaff-drill.XXXXXX",
                     tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");

    if (n < 0 || (size_t)n >= sizeof(d->dir) - 16 || mkdtemp(d->dir) == NULL) {
        d->dir[0] = '\0';
        cli_error("$TMPDIR: no directory can be made in it");
        return false;
    }
    /* Ours, and only to be walked through: whoever runs as the agent's uid can
     * put nothing where we write as root. */
    if (chmod(d->dir, S_IRWXU | S_IXGRP | S_IXOTH) == 0)
        return true;
    cli_error("%s: its mode cannot be set", d->dir);
    return false;
}

static bool from_view(struct drill *d, struct dir_view *v)
{
    char name[TS_ID_MAX + 16];

    if (v->found.by == NULL) {
        cli_error("the directory of tenant %s: %s", v->place.tenant,
                  v->found.why);
        return false;
    }
    d->tenant = copy(d, ts_str_of(v->place.tenant));
    if (!key_file(d->opt, d->opt->issuer_key, "issuer", &d->issuer_key) ||
        !known_issuer(d, v) || !choose_user(d, &v->found.s) ||
        !choose_agent(d, &v->found.s))
        return false;
    (void)snprintf(name, sizeof(name), "agents/%.*s", (int)d->agent.len,
                   d->agent.ptr);
    return key_file(d->opt, d->opt->agent_key, name, &d->agent_key) &&
           choose_sockets(d, v);
}

bool drill_setup(const struct drill_options *o, struct ts_arena *arena,
                 struct drill *ret)
{
    struct dir_view v = {.config = o->config, .tenant = o->tenant};
    const char *revoker = o->revoker_key;
    bool ok;

    *ret = (struct drill){.opt = o, .arena = arena, .aud = ts_str_of(o->aud)};
    if (revoker == NULL)
        revoker = getenv("TIPSTAFF_REVOKER_KEY");
    ok = dir_view_open(&v) && from_view(ret, &v);
    dir_view_close(&v);
    return ok && key_file(o, revoker, "revoker", &ret->revoker_key) &&
           choose_ids(ret) && make_dir(ret);
}

void drill_done(struct drill *d)
{
    static const char *const names[] = {"chain", "key"};
    char path[DRILL_PATH_CAP];

    trust_secret_done(&d->issuer_key);
    trust_secret_done(&d->agent_key);
    trust_secret_done(&d->revoker_key);
    if (d->dir[0] == '\0')
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (drill_path(d, names[i], path))
            (void)unlink(path); /* it may not be there */
    if (rmdir(d->dir) != 0)
        cli_error("%s is left behind; remove it", d->dir);
    d->dir[0] = '\0';
}
