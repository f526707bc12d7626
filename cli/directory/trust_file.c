/* trust.yaml, for the keys in it. The gate reads the same file when it loads;
 * here nothing but the lists of keys matters. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/directory/installed.h"
#include "sidecar/gate/yaml_doc.h"

#define TRUST_FILE_MAX 1048576
#define KEYS_MAX       64 /* of one list */

static ts_err read_key(struct yaml_file *f, const struct yaml_node *map,
                       struct ts_arena *arena, struct trust_key *k)
{
    static const char *const names[] = {"name",      "key",      "not_before",
                                        "not_after", "disabled", NULL};
    const struct yaml_node *n;
    ts_err e;

    if ((e = yaml_check_map(f, map, "a key", names)) != TS_OK ||
        (e = yaml_need(f, map, "a key", "name", &n)) != TS_OK ||
        (e = yaml_id(f, n, "a key's name", arena, &k->name)) != TS_OK ||
        (e = yaml_need(f, map, "a key", "key", &n)) != TS_OK ||
        (e = yaml_hex(f, n, "a key", k->pk, TRUST_PK_LEN)) != TS_OK)
        return e;
    if (trust_pk_check(k->pk) != TS_OK)
        return yaml_fail(f, n, "not a usable Ed25519 public key");
    if ((n = yaml_node_find(map, "not_before")) != NULL &&
        (e = yaml_uint(f, n, "not_before (unix seconds)", UINT32_MAX,
                       &k->not_before)) != TS_OK)
        return e;
    if ((n = yaml_node_find(map, "not_after")) != NULL &&
        (e = yaml_uint(f, n, "not_after (unix seconds)", UINT32_MAX,
                       &k->not_after)) != TS_OK)
        return e;
    if ((n = yaml_node_find(map, "disabled")) != NULL)
        return yaml_bool(f, n, "disabled", &k->disabled);
    return TS_OK;
}

static ts_err read_keys(struct yaml_file *f, struct ts_str tenant,
                        struct ts_arena *arena, struct dir_trust *t)
{
    static const struct {
        const char *name;
        enum trust_role role;
    } lists[] = {{"issuers", TRUST_ROLE_ISSUER},
                 {"directory", TRUST_ROLE_DIRECTORY},
                 {"revokers", TRUST_ROLE_REVOKER}};
    void *room;
    ts_err e = ts_arena_array(arena, 3 * KEYS_MAX, sizeof(*t->keys), &room);

    t->keys = room;
    for (size_t i = 0; e == TS_OK && i < 3; i++) {
        const struct yaml_node *n;
        size_t count;

        e = yaml_list(f, yaml_node_find(f->root, lists[i].name), lists[i].name,
                      KEYS_MAX, &n, &count);
        for (; e == TS_OK && n != NULL; n = n->next) {
            struct trust_key *k = &t->keys[t->count++];

            k->role = lists[i].role;
            k->tenant = tenant;
            e = read_key(f, n, arena, k);
        }
    }
    return e;
}

static ts_err build(const struct dir_place *p, struct ts_arena *arena,
                    struct dir_trust *t, char *text, size_t cap)
{
    const struct trust_tenant tenant = {.id = ts_str_of(p->tenant)};
    const struct trust_input in = {.tenants = &tenant,
                                   .tenant_count = 1,
                                   .keys = t->keys,
                                   .key_count = t->count};

    return trust_store_build(&in, arena, &t->store, text, cap);
}

bool dir_trust_load(const struct dir_place *p, struct ts_arena *arena,
                    struct dir_trust *ret)
{
    char text[768] = "out of memory", name[TS_ID_MAX + 32];
    struct bundle_file file;
    struct dir_trust t = {.count = 0};
    struct ts_bytes bytes = {0};
    struct yaml_file f;
    ts_err e;

    switch (dir_file_read(p, "trust.yaml", TRUST_FILE_MAX, arena, &bytes)) {
    case DIR_READ_NONE:
        cli_error("%s/tenants/%s/trust.yaml is missing: whose signature "
                  "counts?",
                  p->config, p->tenant);
        return false;
    case DIR_READ_FAILED:
        return false;
    case DIR_READ_OK:
        break;
    }
    (void)snprintf(name, sizeof(name), "tenants/%s/trust.yaml", p->tenant);
    file.name = ts_str_of(name);
    file.content = (struct ts_str){(const char *)bytes.ptr, bytes.len};
    e = yaml_open(&f, &file, text, sizeof(text));
    if (e == TS_OK) {
        e = read_keys(&f, ts_str_of(p->tenant), arena, &t);
        yaml_close(&f);
    }
    if (e == TS_OK && (e = build(p, arena, &t, text, sizeof(text))) == TS_OK) {
        *ret = t;
        return true;
    }
    cli_error("%s", text);
    return false;
}
