/*
 * tenant.yaml, trust.yaml and directory.yaml. First byte: which file. Whatever
 * is refused is refused with its place; whatever is accepted as a directory
 * makes entities that the Cedar engine reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "sidecar/gate/directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "%s\n", what);
    abort();
}

static void check_directory(const struct tenant_files *t,
                            struct ts_arena *arena)
{
    const struct directory *d = NULL;
    struct cedar_entities *entities = NULL;
    struct cedar_diags diags = {0};
    struct ts_buf made;
    char err[1024] = "";

    if (directory_build(t, arena, &d, err, sizeof(err)) != TS_OK) {
        need(strncmp(err, "d.yaml:", 7) == 0, err);
        return;
    }
    for (size_t i = 0; i < t->user_count; i++) {
        struct cedar_uid uid =
            cedar_uid_make(TS_STR_LIT("User"), t->users[i].user.id);

        need(directory_find(d, &uid) != NULL, "a listed user is unknown");
    }
    ts_buf_init(&made, 64u << 20);
    need(directory_entities(t, &made) == TS_OK, "entities");
    if (made.len > 0) {
        struct cedar_source s = {"e",
                                 {(const char *)ts_buf_bytes(&made), made.len}};

        need(cedar_entities_parse(&s, 1, &entities, &diags) == TS_OK,
             diags.list[0].text);
        cedar_entities_free(entities);
    }
    ts_buf_done(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tenant_files t = {.name = TS_STR_LIT("acme")};
    struct bundle_file file = {.name = TS_STR_LIT("d.yaml")};
    struct ts_arena arena;
    char err[1024] = "", *copy;
    ts_err e;

    if (len == 0 || trust_init() != TS_OK)
        return 0;
    copy = ts_mem_alloc(len); /* exact size: reading past the end is seen */
    if (copy == NULL)
        return 0;
    memcpy(copy, data + 1, len - 1);
    file.content = (struct ts_str){copy, len - 1};
    ts_arena_init(&arena, 64u << 20);
    if (data[0] % 3 == 0)
        e = tenant_read_settings(&file, &arena, &t, err, sizeof(err));
    else if (data[0] % 3 == 1)
        e = tenant_read_trust(&file, &arena, &t, err, sizeof(err));
    else
        e = tenant_read_directory(&file, &arena, &t, err, sizeof(err));
    if (e != TS_OK)
        need(strncmp(err, "d.yaml:", 7) == 0 && err[7] >= '0' && err[7] <= '9',
             err);
    else if (data[0] % 3 == 2)
        check_directory(&t, &arena);
    ts_arena_done(&arena);
    ts_mem_free(copy);
    return 0;
}
