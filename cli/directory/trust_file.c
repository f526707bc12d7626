/* trust.yaml, for the keys in it. */
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/directory/installed.h"
#include "sidecar/gate/people/tenant_yaml.h"

#define TRUST_FILE_MAX 1048576

static ts_err read_keys(const struct bundle_file *file, struct ts_str tenant,
                        struct ts_arena *arena, struct dir_trust *t, char *text,
                        size_t cap)
{
    struct tenant_files f = {.name = tenant};
    void *p;
    ts_err e = tenant_read_trust(file, arena, &f, text, cap);

    if (e != TS_OK || (e = ts_arena_array(arena, f.key_count + 1,
                                          sizeof(*t->keys), &p)) != TS_OK)
        return e;
    t->keys = p;
    for (; t->count < f.key_count; t->count++)
        t->keys[t->count] = f.keys[t->count].key;
    return TS_OK;
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
    if (read_keys(&file, ts_str_of(p->tenant), arena, &t, text, sizeof(text)) ==
            TS_OK &&
        build(p, arena, &t, text, sizeof(text)) == TS_OK) {
        *ret = t;
        return true;
    }
    cli_error("%s", text);
    return false;
}
