/*
 * tenant.yaml and trust.yaml. First byte: which file. Whatever is refused is
 * refused with its place; every key that is accepted is usable and has one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "sidecar/gate/people/tenant_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "%s\n", what);
    abort();
}

static void check_keys(const struct tenant_files *t)
{
    for (size_t i = 0; i < t->key_count; i++) {
        const struct tenant_key *k = &t->keys[i];

        need(trust_pk_check(k->key.pk) == TS_OK, "an unusable key");
        need(k->at.line > 0 && k->at.file.len > 0, "a key without a place");
        need(k->key.role == TRUST_ROLE_ISSUER ||
                 k->key.role == TRUST_ROLE_DIRECTORY ||
                 k->key.role == TRUST_ROLE_REVOKER,
             "a key without a role");
    }
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
    if (data[0] % 2 == 0)
        e = tenant_read_settings(&file, &arena, &t, err, sizeof(err));
    else
        e = tenant_read_trust(&file, &arena, &t, err, sizeof(err));
    if (e != TS_OK)
        need(strncmp(err, "d.yaml:", 7) == 0 && err[7] >= '0' && err[7] <= '9',
             err);
    else if (data[0] % 2 == 0)
        need(t.max_staleness_s == 0 ||
                 (t.max_staleness_s >= TENANT_STALENESS_MIN_S &&
                  t.max_staleness_s <= TENANT_STALENESS_MAX_S),
             "max_staleness_s");
    else
        check_keys(&t);
    ts_arena_done(&arena);
    ts_mem_free(copy);
    return 0;
}
