/*
 * The source text of a directory. Whatever is refused is refused with its
 * place; whatever is accepted is encoded, and decoded to the same, finds
 * everybody again, and makes entities that the Cedar engine reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "proto/base/ts_mem.h"
#include "sidecar/gate/people/directory.h"
#include "sidecar/gate/people/directory_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "%s\n", what);
    abort();
}

/* What the reader accepts, the signed form must be able to say. */
static void check_encoding(struct directory_snapshot *d, struct ts_arena *arena)
{
    struct directory_snapshot back;
    const char *what = "";
    struct ts_bytes body;
    uint32_t index = 0;
    struct ts_buf buf;

    d->tenant = TS_STR_LIT("acme");
    d->seq = 1;
    d->issued = 1;
    d->not_after = 2;
    ts_buf_init(&buf, SIGNED_SNAPSHOT_MAX);
    need(directory_snapshot_encode(d, &buf, &what, &index) == TS_OK, what);
    body = (struct ts_bytes){ts_buf_bytes(&buf), buf.len};
    need(directory_snapshot_decode(body, arena, &back, &what, &index) ==
             TRUST_OK,
         what);
    need(back.user_count == d->user_count &&
             back.agent_count == d->agent_count &&
             back.approver_count == d->approver_count,
         "somebody is lost");
    ts_buf_done(&buf);
}

static void check_entities(const struct directory_snapshot *d)
{
    struct cedar_entities *entities = NULL;
    struct cedar_diags diags = {0};
    struct ts_buf made;

    ts_buf_init(&made, 64u << 20);
    need(directory_entities(d, &made) == TS_OK, "entities");
    if (made.len > 0) {
        struct cedar_source s = {"e",
                                 {(const char *)ts_buf_bytes(&made), made.len}};

        need(cedar_entities_parse(&s, 1, &entities, &diags) == TS_OK,
             diags.list[0].text);
        cedar_entities_free(entities);
    }
    ts_buf_done(&made);
}

/* The only key of a store: that of the tenant's directory. */
static const struct trust_store *store_make(struct ts_arena *arena)
{
    static const struct trust_tenant tenant = {.id = {"acme", 4}};
    struct trust_key key = {.role = TRUST_ROLE_DIRECTORY,
                            .tenant = tenant.id,
                            .name = TS_STR_LIT("directory")};
    const struct trust_input in = {
        .tenants = &tenant, .tenant_count = 1, .keys = &key, .key_count = 1};
    const struct trust_store *store = NULL;
    char err[256] = "";

    fix_pk(KEY_DIRECTORY, key.pk);
    need(trust_store_build(&in, arena, &store, err, sizeof(err)) == TS_OK, err);
    return store;
}

/* Signed, it is accepted, and everybody is found in it. */
static void check_found(struct directory_snapshot *s, struct ts_arena *arena)
{
    const struct trust_store *store = store_make(arena);
    struct ts_bytes object = fix_sign_state(s, KEY_DIRECTORY);
    const struct directory_snapshot *p;
    struct directory *d = NULL;
    char err[1024] = "";

    need(directory_open(store, s->tenant, object, 0, &d, err, sizeof(err)) ==
             TS_OK,
         err);
    p = directory_people(d);
    for (uint32_t i = 0; i < p->user_count; i++) {
        struct cedar_uid uid =
            cedar_uid_make(TS_STR_LIT("User"), p->users[i].id);

        need(directory_find(d, &uid) != NULL, "a listed user is unknown");
    }
    for (uint32_t i = 0; i < p->approver_count; i++)
        need(directory_approver_find(d, p->approvers[i].kid) ==
                 &p->approvers[i],
             "a listed approver is unknown");
    directory_release(d);
    free((void *)(uintptr_t)object.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bundle_file file = {.name = TS_STR_LIT("d.yaml")};
    struct directory_snapshot d;
    struct ts_arena arena;
    char err[1024] = "", *copy;

    if (len == 0 || trust_init() != TS_OK)
        return 0;
    copy = ts_mem_alloc(len); /* exact size: reading past the end is seen */
    if (copy == NULL)
        return 0;
    memcpy(copy, data, len);
    file.content = (struct ts_str){copy, len};
    ts_arena_init(&arena, 64u << 20);
    if (directory_yaml_read(&file, &arena, &d, err, sizeof(err)) != TS_OK) {
        need(strncmp(err, "d.yaml:", 7) == 0 && err[7] >= '0' && err[7] <= '9',
             err);
    } else {
        check_encoding(&d, &arena);
        check_entities(&d);
        check_found(&d, &arena);
    }
    ts_arena_done(&arena);
    ts_mem_free(copy);
    return 0;
}
