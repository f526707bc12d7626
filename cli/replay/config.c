#include "cli/replay/config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/policy/dirs.h"
#include "cli/policy/files.h"
#include "proto/trust/directory_snapshot.h"
#include "proto/wire/limits.h"
#include "sidecar/common/bundle/bundle.h"

#define FILES_MAX 1024
#define FILE_MAX  ((size_t)8 << 20)

struct files {
    struct bundle_file *list; /* in the arena */
    size_t count;
    struct ts_arena *arena;
};

static bool put(struct files *f, const char *name, const void *p, size_t len)
{
    const char *n, *content;

    if (f->count == FILES_MAX ||
        ts_arena_strndup(f->arena, name, strlen(name), &n) != TS_OK ||
        ts_arena_strndup(f->arena, p, len, &content) != TS_OK) {
        cli_error("%s: more than %d files, or memory is short", name,
                  FILES_MAX);
        return false;
    }
    f->list[f->count++] =
        (struct bundle_file){ts_str_of(n), {.ptr = content, .len = len}};
    return true;
}

static bool put_text(struct files *f, const char *name, struct text *t)
{
    bool ok = !t->failed && put(f, name, ts_buf_bytes(&t->buf), t->buf.len);

    if (t->failed)
        cli_error("%s: too large, or memory is short", name);
    ts_buf_clear(&t->buf);
    return ok;
}

bool replay_keys_make(struct replay_keys *ret)
{
    struct replay_keys k = {0};
    uint8_t seed[5][TRUST_SEED_LEN];

    randombytes_buf(k.agent_seed, sizeof(k.agent_seed));
    randombytes_buf(k.sidecar_seed, sizeof(k.sidecar_seed));
    randombytes_buf(seed, sizeof(seed));
    memcpy(seed[2], k.agent_seed, TRUST_SEED_LEN);
    *ret = k;
    if (trust_secret_from_seed(seed[0], &ret->issuer) == TS_OK &&
        trust_secret_from_seed(seed[1], &ret->directory) == TS_OK &&
        trust_secret_from_seed(seed[2], &ret->agent) == TS_OK &&
        trust_secret_from_seed(seed[3], &ret->approver[0]) == TS_OK &&
        trust_secret_from_seed(seed[4], &ret->approver[1]) == TS_OK)
        return true;
    replay_keys_done(ret);
    cli_error("out of memory");
    return false;
}

void replay_keys_done(struct replay_keys *k)
{
    trust_secret_done(&k->issuer);
    trust_secret_done(&k->directory);
    trust_secret_done(&k->agent);
    trust_secret_done(&k->approver[0]);
    trust_secret_done(&k->approver[1]);
    sodium_memzero(k, sizeof(*k));
}

static void approver(const struct trust_secret *key, const char *person,
                     const struct ts_str *classes,
                     struct directory_approver *ret)
{
    *ret = (struct directory_approver){.person = ts_str_of(person),
                                       .active = true,
                                       .classes = classes,
                                       .class_count = 2};
    memcpy(ret->pk, key->pk, TRUST_PK_LEN);
    trust_kid(key->pk, ret->kid);
}

static int by_kid(const void *a, const void *b)
{
    const struct directory_approver *x = a, *y = b;

    return memcmp(x->kid, y->kid, TRUST_KID_LEN);
}

static uint32_t identities(const struct traces *t,
                           struct directory_attr ret[REPLAY_IDENTITIES_MAX])
{
    static const char *const keys[REPLAY_IDENTITIES_MAX] = {
        REPLAY_IDENTITY "0", REPLAY_IDENTITY "1", REPLAY_IDENTITY "2",
        REPLAY_IDENTITY "3"};
    uint32_t n = 0;
    size_t i;
    json_t *v;

    json_array_foreach(t->identities, i, v)
    {
        if (n < REPLAY_IDENTITIES_MAX &&
            json_string_length(v) <= DIRECTORY_ATTR_VALUE_MAX) {
            ret[n].key = ts_str_of(keys[n]);
            ret[n].value = ts_str_of(json_string_value(v));
            n++;
        }
    }
    return n;
}

static bool snapshot(struct files *f, const struct traces *t,
                     const struct replay_keys *k, bool is_plain)
{
    struct directory_attr attrs[REPLAY_IDENTITIES_MAX];
    uint64_t now = (uint64_t)time(NULL);
    const struct ts_str classes[] = {TS_STR_LIT("confirm"),
                                     TS_STR_LIT("four-eyes")};
    const struct directory_user users[] = {
        {.id = TS_STR_LIT(REPLAY_SECOND), .active = true},
        {.id = TS_STR_LIT(REPLAY_USER),
         .active = true,
         .attrs = attrs,
         .attr_count = is_plain ? 0 : identities(t, attrs)}};
    struct directory_approver approvers[2];
    struct directory_agent agent = {.id = ts_str_of(REPLAY_AGENT),
                                    .active = true,
                                    .owner = ts_str_of(REPLAY_USER),
                                    .key_count = 1,
                                    .uids = {(uint32_t)geteuid()},
                                    .uid_count = 1};
    struct directory_snapshot s = {.tenant = ts_str_of(REPLAY_TENANT),
                                   .seq = 1,
                                   .issued = now,
                                   .not_after = now + 86400,
                                   .users = users,
                                   .user_count = 2,
                                   .agents = &agent,
                                   .agent_count = 1,
                                   .approvers = approvers,
                                   .approver_count = 2};
    struct ts_buf body, object;
    const char *what = "";
    uint32_t index;
    bool ok;

    memcpy(agent.keys[0], k->agent.pk, TRUST_PK_LEN);
    approver(&k->approver[0], REPLAY_USER, classes, &approvers[0]);
    approver(&k->approver[1], REPLAY_SECOND, classes, &approvers[1]);
    qsort(approvers, 2, sizeof(approvers[0]), by_kid);
    ts_buf_init(&body, FILE_MAX);
    ts_buf_init(&object, FILE_MAX);
    ok = directory_snapshot_encode(&s, &body, &what, &index) == TS_OK &&
         signed_make(SIGNED_SNAPSHOT,
                     (struct ts_bytes){ts_buf_bytes(&body), body.len},
                     &k->directory, &object) == TS_OK;
    if (!ok)
        cli_error("the directory cannot be made: %s", what);
    ok = ok && put(f, "tenants/" REPLAY_TENANT "/directory.snapshot",
                   ts_buf_bytes(&object), object.len);
    ts_buf_done(&body);
    ts_buf_done(&object);
    return ok;
}

static bool tenant(struct files *f, const struct replay_keys *k, struct text *t)
{
    char issuer[2 * TRUST_PK_LEN + 1], directory[2 * TRUST_PK_LEN + 1];

    ts_hex_encode(issuer, k->issuer.pk, TRUST_PK_LEN);
    ts_hex_encode(directory, k->directory.pk, TRUST_PK_LEN);
    text_add(t,
             "issuers:\n  - name: " REPLAY_ISSUER "\n    key: %s\n"
             "directory:\n  - name: replay-directory\n    key: %s\n",
             issuer, directory);
    if (!put_text(f, "tenants/" REPLAY_TENANT "/trust.yaml", t))
        return false;
    text_add(t,
             "tenant: " REPLAY_TENANT "\nmax_ttl_s: %d\n"
             "default_sensitivity: internal\ntrusted_provenance: [user]\n"
             "freshness: snapshot\nidentity_attrs: [" REPLAY_IDENTITY
             "0, " REPLAY_IDENTITY "1, " REPLAY_IDENTITY "2, " REPLAY_IDENTITY
             "3]\n",
             REPLAY_TTL_S);
    return put_text(f, "tenants/" REPLAY_TENANT "/tenant.yaml", t) &&
           put(f, "tenants/" REPLAY_TENANT "/entities.json", "[]", 2);
}

static int by_name(const void *a, const void *b)
{
    const struct bundle_file *x = a, *y = b;

    return ts_str_cmp(x->name, y->name);
}

static bool put_stand_in(struct files *f, const struct replay_config *c,
                         const char *group, struct text *t)
{
    char tool[64], name[80];
    const struct shape_tool stand_in = {.name = tool, .group = group};

    if (!replay_group_is_empty(c->shape, group))
        return true;
    (void)snprintf(tool, sizeof(tool), REPLAY_STAND_IN "%s", group);
    (void)snprintf(name, sizeof(name), "tools/%s.yaml", tool);
    replay_manifest(&stand_in, c->is_plain, t);
    return put_text(f, name, t);
}

static bool tools(struct files *f, const struct replay_config *c,
                  struct text *t)
{
    struct directory_attr attrs[REPLAY_IDENTITIES_MAX];
    const struct directory_user user = {
        .attrs = attrs,
        .attr_count = c->is_plain ? 0 : identities(c->traces, attrs)};
    const struct directory_snapshot people = {.users = &user, .user_count = 1};
    char name[TS_TOOL_NAME_MAX + 16];

    for (size_t i = 0; i < c->shape->count; i++) {
        (void)snprintf(name, sizeof(name), "tools/%s.yaml",
                       c->shape->tools[i].name);
        replay_manifest(&c->shape->tools[i], c->is_plain, t);
        if (!put_text(f, name, t))
            return false;
    }
    for (size_t i = 0; i < REPLAY_GROUPS; i++)
        if (!put_stand_in(f, c, replay_groups[i], t))
            return false;
    qsort(f->list, f->count, sizeof(*f->list), by_name);
    return replay_schema(c->shape, f->list, f->count, &people, t) &&
           put_text(f, "tenants/" REPLAY_TENANT "/schema.cedarschema", t);
}

static bool put_policies(struct files *f, const struct replay_config *c,
                         const char *path, struct text *t)
{
    char to[BUNDLE_NAME_MAX + 1];
    struct cedar_source src;
    int n = snprintf(to, sizeof(to), "tenants/" REPLAY_TENANT "/policies%s",
                     path + strlen(c->policies));

    if (n < 0 || (size_t)n >= sizeof(to)) {
        cli_error("%s: the name is too long", path);
        return false;
    }
    if (!pol_read(f->arena, path, FILE_MAX, &src))
        return false;
    if (!c->is_plain)
        return put(f, to, src.text.ptr, src.text.len);
    return replay_plain_policies(path, src.text, t) && put_text(f, to, t);
}

/* The *.cedar of a folder, if there is one. */
static bool folder(struct files *f, const struct replay_config *c,
                   const char *name, struct text *t)
{
    char path[4096];
    const char *const one[] = {path};
    struct pol_paths found = {.count = 0};
    int n = snprintf(path, sizeof(path), "%s/%s", c->policies, name);

    if (n < 0 || (size_t)n >= sizeof(path)) {
        cli_error("--policies: the path is too long");
        return false;
    }
    if (access(path, F_OK) != 0)
        return true;
    if (!pol_paths_find(f->arena, one, 1, &found))
        return false;
    for (size_t i = 0; i < found.count; i++)
        if (!put_policies(f, c, found.list[i], t))
            return false;
    return true;
}

static bool policy_files(struct files *f, const struct replay_config *c,
                         struct text *t)
{
    size_t before = f->count;

    if (!folder(f, c, "hard", t) || !folder(f, c, "approval", t))
        return false;
    if (f->count > before)
        return true;
    cli_error("%s: no policies; give the policies folder of a tenant, with "
              "hard/NAME.cedar and approval/NAME.cedar",
              c->policies);
    return false;
}

int replay_bundle(const struct replay_config *c, struct ts_arena *arena)
{
    struct files f = {.arena = arena};
    struct text text;
    void *list;
    int fd = -1;

    if (ts_arena_array(arena, FILES_MAX, sizeof(*f.list), &list) != TS_OK) {
        cli_error("out of memory");
        return -1;
    }
    f.list = list;
    text_init(&text, FILE_MAX);
    if (tools(&f, c, &text) && tenant(&f, c->keys, &text) &&
        snapshot(&f, c->traces, c->keys, c->is_plain) &&
        policy_files(&f, c, &text)) {
        qsort(f.list, f.count, sizeof(*f.list), by_name);
        if (bundle_write(f.list, f.count, &fd) != TS_OK)
            cli_error("the configuration cannot be handed over: %s",
                      strerror(errno));
    }
    text_done(&text);
    return fd;
}
