#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/directory/publish_priv.h"
#include "cli/files.h"
#include "proto/trust/key_source.h"
#include "proto/trust/revocation_record.h"

/* ---- the key ------------------------------------------------------------- */

static bool key_may_sign(const struct dir_place *p, const struct dir_trust *t,
                         const char *where, const uint8_t *pk, uint64_t now)
{
    const struct trust_key *k = trust_store_key(t->store, pk);
    char hex[2 * TRUST_PK_LEN + 1];

    if (k == NULL || k->role != TRUST_ROLE_DIRECTORY) {
        ts_hex_encode(hex, pk, TRUST_PK_LEN);
        cli_error("%s: tenants/%s/trust.yaml does not list this key under "
                  "\"directory:\"; add {name: NAME, key: %s} there, or take "
                  "the right key (--key)",
                  where, p->tenant, hex);
        return false;
    }
    if (!k->disabled && k->not_before <= now &&
        (k->not_after == 0 || now <= k->not_after))
        return true;
    cli_error("%s: tenants/%s/trust.yaml lists this key, but %s", where,
              p->tenant,
              k->disabled ? "as disabled" : "not for the present time");
    return false;
}

bool dir_key_load(const struct dir_place *p, const struct dir_trust *t,
                  const char *key, uint64_t now, struct trust_secret *ret)
{
    const struct key_source from = {
        .dir_fd = key == NULL ? p->config_fd : AT_FDCWD,
        .where = key == NULL ? "keys/directory.seed" : key,
        .credentials = getenv("CREDENTIALS_DIRECTORY"),
        .owner = geteuid()};
    char text[512];

    if (key_source_load(&from, ret, text, sizeof(text)) != TS_OK) {
        cli_error("%s", text);
        return false;
    }
    if (key_may_sign(p, t, from.where, ret->pk, now))
        return true;
    trust_secret_done(ret);
    return false;
}

/* ---- revocations --------------------------------------------------------- */

struct carried {
    struct ts_bytes *list;
    uint32_t count;
};

static bool add_revocation(struct carried *c, struct ts_bytes object)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->list[i].len == object.len &&
            memcmp(c->list[i].ptr, object.ptr, object.len) == 0)
            return true;
    if (c->count == DIRECTORY_REVOCATIONS_MAX) {
        cli_error("a snapshot carries %d revocations at most",
                  DIRECTORY_REVOCATIONS_MAX);
        return false;
    }
    c->list[c->count++] = object;
    return true;
}

static bool decode(struct ts_bytes object, struct revocation_record *ret)
{
    struct signed_object o;

    return signed_split(SIGNED_REVOCATION, object, &o) == TRUST_OK &&
           revocation_record_decode(o.body, ret) == TRUST_OK;
}

/* One of the new ones says all that old says. */
static bool is_said_again(const struct carried *fresh,
                          const struct revocation_record *old)
{
    struct revocation_record r;

    for (uint32_t i = 0; i < fresh->count; i++)
        if (decode(fresh->list[i], &r) && r.kind == old->kind &&
            r.target.len == old->target.len &&
            memcmp(r.target.ptr, old->target.ptr, r.target.len) == 0 &&
            r.cutoff >= old->cutoff && r.keep_until >= old->keep_until)
            return true;
    return false;
}

static void name_target(const struct revocation_record *r)
{
    char text[4 * TS_ID_MAX + 1];

    if (r->kind == REVOCATION_USER || r->kind == REVOCATION_AGENT ||
        r->kind == REVOCATION_TASK || r->kind == REVOCATION_TENANT ||
        r->kind == REVOCATION_APPROVER)
        (void)ts_str_show(text, sizeof(text), (const char *)r->target.ptr,
                          r->target.len);
    else
        ts_hex_encode(text, r->target.ptr, r->target.len);
    cli_error("the installed snapshot carries a revocation (%s %s) that "
              "trust.yaml lets nobody sign any more: a sidecar that starts "
              "with it would refuse the whole directory. Sign it again "
              "(tipstaff revoke ... --out FILE) and give it with --revocation "
              "FILE",
              revocation_kind_name(r->kind), text);
}

/* What the installed one carries and somebody still has to remember. */
static bool carry_on(struct dir_publish *d, const struct carried *fresh,
                     struct carried *c)
{
    for (uint32_t i = 0; i < d->installed.s.revocation_count; i++) {
        struct ts_bytes b = d->installed.s.revocations[i];
        enum revocation_signer by;
        struct revocation_record r, verified;

        if (!decode(b, &r) || r.keep_until <= d->now ||
            is_said_again(fresh, &r))
            continue;
        if (revocation_record_verify(d->trust.store, b, d->now, &verified,
                                     &by) == TRUST_OK) {
            if (!add_revocation(c, b))
                return false;
        } else {
            name_target(&r);
            return false;
        }
    }
    return true;
}

static bool read_revocation(struct dir_publish *d, const char *path,
                            struct carried *c)
{
    enum revocation_signer by;
    struct revocation_record r;
    struct ts_bytes b;
    enum trust_code code;

    if (!cli_read(path, SIGNED_REVOCATION_MAX, &d->arena, &b))
        return false;
    code = revocation_record_verify(d->trust.store, b, d->now, &r, &by);
    if (code == TRUST_OK && r.kind != REVOCATION_SESSION)
        return add_revocation(c, b);
    if (code == TRUST_OK)
        cli_error("%s: ends one session; that is for one sidecar, and not for "
                  "a directory",
                  path);
    else
        cli_error("%s: not a revocation that trust.yaml lets anybody sign for "
                  "this tenant",
                  path);
    return false;
}

bool dir_collect_revocations(struct dir_publish *d,
                             struct directory_snapshot *next)
{
    struct carried c = {.count = 0}, fresh = {.count = 0};
    void *room;

    if (ts_arena_array(&d->arena, 2 * (size_t)DIRECTORY_REVOCATIONS_MAX,
                       sizeof(*c.list), &room) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    c.list = room;
    fresh.list = c.list + DIRECTORY_REVOCATIONS_MAX;
    for (size_t i = 0; i < d->revocations.count; i++)
        if (!read_revocation(d, d->revocations.items[i], &fresh))
            return false;
    if (d->has_installed && d->installed.by != NULL && !carry_on(d, &fresh, &c))
        return false;
    for (uint32_t i = 0; i < fresh.count; i++)
        if (!add_revocation(&c, fresh.list[i]))
            return false;
    next->revocations = c.list;
    next->revocation_count = c.count;
    return true;
}

/* ---- everybody's keys ---------------------------------------------------- */

static ts_err list_keys(struct dir_publish *d,
                        const struct directory_snapshot *s,
                        struct trust_input *in)
{
    struct trust_key *keys;
    void *p;
    ts_err e = ts_arena_array(&d->arena, d->trust.count + s->approver_count + 1,
                              sizeof(*keys), &p);

    if (e != TS_OK)
        return e;
    keys = p;
    memcpy(keys, d->trust.keys, d->trust.count * sizeof(*keys));
    for (uint32_t i = 0; i < s->approver_count; i++) {
        struct trust_key *k = &keys[d->trust.count + i];

        k->role = TRUST_ROLE_APPROVER;
        k->tenant = s->tenant;
        k->name = s->approvers[i].person;
        memcpy(k->pk, s->approvers[i].pk, TRUST_PK_LEN);
    }
    in->keys = keys;
    in->key_count = d->trust.count + s->approver_count;
    return TS_OK;
}

static ts_err list_agents(struct dir_publish *d,
                          const struct directory_snapshot *s,
                          struct trust_input *in)
{
    struct trust_agent *agents;
    void *p;
    ts_err e = ts_arena_array(&d->arena, (size_t)s->agent_count + 1,
                              sizeof(*agents), &p);

    if (e != TS_OK)
        return e;
    agents = p;
    for (uint32_t i = 0; i < s->agent_count; i++) {
        const struct directory_agent *from = &s->agents[i];

        agents[i].tenant = s->tenant;
        agents[i].id = from->id;
        agents[i].status = from->active ? TRUST_ACTIVE : TRUST_INACTIVE;
        memcpy(agents[i].keys, from->keys, sizeof(from->keys));
        agents[i].key_count = from->key_count;
        memcpy(agents[i].uids, from->uids, sizeof(from->uids));
        agents[i].uid_count = from->uid_count;
    }
    in->agents = agents;
    in->agent_count = s->agent_count;
    return TS_OK;
}

bool dir_check_people(struct dir_publish *d,
                      const struct directory_snapshot *next)
{
    const struct trust_tenant tenant = {.id = next->tenant, .any_user = true};
    struct trust_input in = {.tenants = &tenant, .tenant_count = 1};
    const struct trust_store *store;
    char text[512] = "out of memory";
    ts_err e;

    if ((e = list_keys(d, next, &in)) == TS_OK &&
        (e = list_agents(d, next, &in)) == TS_OK)
        e = trust_store_build(&in, &d->arena, &store, text, sizeof(text));
    if (e == TS_OK)
        return true;
    cli_error("this directory would be refused: %s", text);
    return false;
}
