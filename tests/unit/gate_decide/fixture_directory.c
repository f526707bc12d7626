#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "proto/trust/signed.h"
#include "sidecar/gate/people/directory_yaml.h"
#include "tests/lib/ts_test.h"

/* Signed directories, made of the text that tests edit. */

#define SOURCE "directory.yaml"

struct ts_bytes fix_sign_state(struct directory_snapshot *s, unsigned signer)
{
    struct trust_secret key = {0};
    struct ts_buf body, object;
    const char *what = "";
    uint32_t index = 0;
    uint8_t *copy;
    size_t len;

    ts_buf_init(&body, SIGNED_SNAPSHOT_MAX);
    ts_buf_init(&object, SIGNED_SNAPSHOT_MAX);
    if (directory_snapshot_encode(s, &body, &what, &index) != TS_OK)
        fail_msg("%s %u", what, index);
    fix_secret(signer, &key);
    assert_int_equal(
        signed_make(SIGNED_SNAPSHOT,
                    (struct ts_bytes){ts_buf_bytes(&body), body.len}, &key,
                    &object),
        TS_OK);
    trust_secret_done(&key);
    len = object.len;
    copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, ts_buf_bytes(&object), len);
    ts_buf_done(&body);
    ts_buf_done(&object);
    return (struct ts_bytes){copy, len};
}

struct fix_signing fix_signing(const char *tenant, uint64_t seq)
{
    return (struct fix_signing){
        .tenant = tenant,
        .signer = strcmp(tenant, "beta") == 0 ? KEY_DIRECTORY_B : KEY_DIRECTORY,
        .seq = seq,
        .issued = FIX_NOW_S - 100,
        .not_after = FIX_NOW_S + 86400};
}

static ts_err sign(struct fixture *f, const struct fix_signing *how,
                   struct ts_bytes *ret)
{
    struct directory_snapshot s;
    struct bundle_file file;
    struct ts_arena arena;
    char name[512];
    const char *text;
    ts_err e;

    (void)snprintf(name, sizeof(name), "tenants/%s/" SOURCE, how->tenant);
    text = fix_get(f, name);
    assert_non_null(text);
    file = (struct bundle_file){ts_str_of(name), ts_str_of(text)};
    ts_arena_init(&arena, 64u << 20);
    e = directory_yaml_read(&file, &arena, &s, f->err, sizeof(f->err));
    if (e == TS_OK) {
        s.tenant = ts_str_of(how->tenant);
        s.seq = how->seq;
        s.issued = how->issued;
        s.not_after = how->not_after;
        *ret = fix_sign_state(&s, how->signer);
    }
    ts_arena_done(&arena);
    return e;
}

struct ts_bytes fix_sign_directory(struct fixture *f,
                                   const struct fix_signing *how)
{
    struct ts_bytes object = {0};

    if (sign(f, how, &object) != TS_OK)
        fail_msg("%s", f->err);
    return object;
}

/* The files that a load sees: beside others, sources that were signed. */
struct seen {
    struct bundle_file files[FIX_FILES];
    size_t count;
    char names[FIX_FILES][128];
    void *signed_bytes[FIX_FILES];
    size_t signed_count;
};

/* tenants/NAME/directory.yaml: NAME, else "". */
static void tenant_of(struct ts_str name, char tenant[128])
{
    const char *slash;

    tenant[0] = '\0';
    if (!ts_str_starts(name, TS_STR_LIT("tenants/")))
        return;
    slash = strrchr(name.ptr, '/');
    if (strcmp(slash + 1, SOURCE) == 0)
        (void)snprintf(tenant, 128, "%.*s", (int)(slash - name.ptr) - 8,
                       name.ptr + 8);
}

static ts_err see(struct fixture *f, struct seen *seen)
{
    for (size_t i = 0; i < f->count; i++) {
        struct bundle_file *to = &seen->files[seen->count];
        struct fix_signing how;
        struct ts_bytes object = {0};
        char tenant[128], *name = seen->names[i];
        ts_err e;

        tenant_of(f->files[i].name, tenant);
        (void)snprintf(name, 128, "tenants/%s/directory.snapshot", tenant);
        if (tenant[0] == '\0') {
            *to = f->files[i];
            seen->count++;
            continue;
        }
        if (fix_get(f, name) != NULL)
            continue;
        how = fix_signing(tenant, f->directory_seq);
        if ((e = sign(f, &how, &object)) != TS_OK)
            return e;
        seen->signed_bytes[seen->signed_count++] =
            (void *)(uintptr_t)object.ptr;
        *to = (struct bundle_file){ts_str_of(name),
                                   {(const char *)object.ptr, object.len}};
        seen->count++;
    }
    return TS_OK;
}

ts_err fix_load(struct fixture *f)
{
    static struct seen seen;
    struct bundle b = {.files = seen.files};
    struct snapshot *old = f->snapshot;
    ts_err e;

    seen.count = seen.signed_count = 0;
    f->snapshot = NULL;
    e = see(f, &seen);
    b.count = seen.count;
    if (e == TS_OK)
        e = snapshot_load_past(&b, &f->settings, 7, &f->past, &f->snapshot,
                               f->err, sizeof(f->err));
    for (size_t i = 0; i < seen.signed_count; i++)
        free(seen.signed_bytes[i]);
    snapshot_free(old); /* past may have pointed to it */
    return e;
}

void fix_load_ok(struct fixture *f)
{
    ts_err e = fix_load(f);

    if (e != TS_OK)
        print_error("%s\n", f->err);
    assert_int_equal(e, TS_OK);
}

ts_err fix_feed(struct fixture *f, const struct fix_signing *how)
{
    struct ts_bytes object = fix_sign_directory(f, how);
    struct snapshot *s = NULL;
    ts_err e =
        snapshot_with_directory(f->snapshot, ts_str_of(how->tenant), object,
                                &f->past, &s, f->err, sizeof(f->err));

    free((void *)(uintptr_t)object.ptr);
    if (e == TS_OK) {
        snapshot_free(f->snapshot);
        f->snapshot = s;
    } else {
        assert_null(s);
        assert_int_not_equal(f->err[0], '\0');
    }
    return e;
}

const struct snapshot_tenant *fix_tenant(const struct fixture *f,
                                         const char *name)
{
    const struct snapshot_tenant *t =
        snapshot_tenant_find(f->snapshot, ts_str_of(name));

    assert_non_null(t);
    return t;
}

void fix_reload_ok(struct fixture *f)
{
    f->past.held = f->snapshot;
    f->past.strict = false;
    fix_load_ok(f);
    f->past.held = NULL;
}

void fix_expect_note(const struct fixture *f, const char *tenant,
                     const char *beginning)
{
    const char *note = fix_tenant(f, tenant)->note;

    assert_non_null(note);
    if (strncmp(note, beginning, strlen(beginning)) != 0)
        fail_msg("%s", note);
}
