#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/trust/delegation_build.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"
#include "tests/lib/ts_test.h"

const struct fix_grant fix_alice = {
    .tenant = "acme",
    .user = "alice",
    .agent = "coder",
    .task = "t1",
    .policy = "permit (principal, action, resource);",
    .issuer = KEY_ISSUER,
    .holder = KEY_CODER,
};

void fix_secret(unsigned which, struct trust_secret *ret)
{
    uint8_t seed[TRUST_SEED_LEN];

    memset(seed, (int)which, sizeof(seed));
    assert_int_equal(trust_secret_from_seed(seed, ret), TS_OK);
}

void fix_pk(unsigned which, uint8_t pk[32])
{
    struct trust_secret s = {0};

    fix_secret(which, &s);
    memcpy(pk, s.pk, 32);
    trust_secret_done(&s);
}

void fix_pk_hex(unsigned which, char hex[65])
{
    uint8_t pk[32];

    fix_pk(which, pk);
    ts_hex_encode(hex, pk, sizeof(pk));
}

void fix_init(struct fixture *f)
{
    *f = (struct fixture){0};
    assert_int_equal(trust_init(), TS_OK);
    f->settings.audience_count = 1;
    f->settings.audiences[0] = TS_STR_LIT("sidecar/local");
    f->now = (struct moment){.boot_ns = UINT64_C(5000000000000),
                             .unix_ms = FIX_NOW_S * 1000};
    f->past = (struct snapshot_past){.now_s = FIX_NOW_S, .strict = true};
    f->directory_seq = 1;
    assert_int_equal(meters_new(&f->meters), TS_OK);
    ts_arena_init(&f->arena, 1 << 20);
}

void fix_done(struct fixture *f)
{
    snapshot_free(f->snapshot);
    meters_free(f->meters);
    ts_arena_done(&f->arena);
    for (size_t i = 0; i < f->count; i++) {
        free((void *)(uintptr_t)f->files[i].name.ptr);
        free((void *)(uintptr_t)f->files[i].content.ptr);
    }
    *f = (struct fixture){0};
}

static struct bundle_file *find(const struct fixture *f, const char *name,
                                size_t *ret_at)
{
    size_t i = 0;

    while (i < f->count && ts_str_cmp(f->files[i].name, ts_str_of(name)) < 0)
        i++;
    *ret_at = i;
    if (i < f->count && ts_str_eq_c(f->files[i].name, name))
        return (struct bundle_file *)(uintptr_t)&f->files[i];
    return NULL;
}

void fix_set_bytes(struct fixture *f, const char *name, struct ts_bytes bytes)
{
    size_t at;
    struct bundle_file *old = find(f, name, &at);
    char *copy;

    if (old != NULL) {
        free((void *)(uintptr_t)old->name.ptr);
        free((void *)(uintptr_t)old->content.ptr);
        memmove(&f->files[at], &f->files[at + 1],
                (f->count - at - 1) * sizeof(f->files[0]));
        f->count--;
    }
    if (bytes.ptr != NULL) {
        assert_true(f->count < FIX_FILES);
        copy = calloc(1, bytes.len + 1);
        assert_non_null(copy);
        memcpy(copy, bytes.ptr, bytes.len);
        memmove(&f->files[at + 1], &f->files[at],
                (f->count - at) * sizeof(f->files[0]));
        f->files[at] = (struct bundle_file){.name = ts_str_of(strdup(name)),
                                            .content = {copy, bytes.len}};
        f->count++;
    }
    f->bundle.files = f->files;
    f->bundle.count = f->count;
}

void fix_set(struct fixture *f, const char *name, const char *text)
{
    fix_set_bytes(f, name,
                  (struct ts_bytes){(const uint8_t *)text,
                                    text != NULL ? strlen(text) : 0});
}

const char *fix_get(const struct fixture *f, const char *name)
{
    size_t at;
    const struct bundle_file *file = find(f, name, &at);

    return file != NULL ? file->content.ptr : NULL;
}

void fix_edit(struct fixture *f, const char *name, const char *from,
              const char *to)
{
    const char *old = fix_get(f, name), *hit;
    char *made;
    size_t n;

    assert_non_null(old);
    hit = strstr(old, from);
    assert_non_null(hit);
    n = strlen(old) + strlen(to) + 1;
    made = malloc(n);
    assert_non_null(made);
    (void)snprintf(made, n, "%.*s%s%s", (int)(hit - old), old, to,
                   hit + strlen(from));
    fix_set(f, name, made);
    free(made);
}

/* ---- the starter tree --------------------------------------------------- */

struct filling {
    const char *key, *value;
};

static char *fill_in(const char *text, const struct filling *with, size_t n)
{
    size_t cap = strlen(text) * 4 + 4096, at = 0;
    char *out = malloc(cap);

    assert_non_null(out);
    while (*text != '\0') {
        size_t i = 0;

        while (i < n && strncmp(text, with[i].key, strlen(with[i].key)) != 0)
            i++;
        assert_true(at + 256 < cap);
        if (i < n) {
            at += (size_t)snprintf(out + at, cap - at, "%s", with[i].value);
            text += strlen(with[i].key);
        } else {
            out[at++] = *text++;
        }
    }
    out[at] = '\0';
    return out;
}

static void add_file(struct fixture *f, const char *path, const char *name,
                     const struct filling *with, size_t n)
{
    static char text[65536];
    FILE *in = fopen(path, "rbe");
    char *name_made, *text_made;
    size_t len;

    assert_non_null(in);
    len = fread(text, 1, sizeof(text) - 1, in);
    text[len] = '\0';
    (void)fclose(in);
    name_made = fill_in(name, with, n);
    text_made = fill_in(text, with, n);
    assert_null(strstr(text_made, "{{"));
    fix_set(f, name_made, text_made);
    free(name_made);
    free(text_made);
}

static void add_folder(struct fixture *f, const char *folder,
                       const struct filling *with, size_t n)
{
    char path[1024], name[512];
    const struct dirent *de;
    DIR *d;

    (void)snprintf(path, sizeof(path), "%s/%s", STARTER_DIR, folder);
    d = opendir(path);
    assert_non_null(d);
    while ((de = readdir(d)) != NULL) {
        if (strchr(de->d_name, '.') == NULL || de->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof(name), "%s/%s", folder, de->d_name);
        (void)snprintf(path, sizeof(path), "%s/%s", STARTER_DIR, name);
        add_file(f, path, name, with, n);
    }
    (void)closedir(d);
}

/* The source of a directory stands beside the configuration; here it is among
 * the tenant's files, for fix_edit() and fix_load(). */
static void add_source(struct fixture *f, const char *tenant,
                       const struct filling *with, size_t n)
{
    static const char path[] = STARTER_DIR "/directory/{{tenant}}.yaml";
    char name[512];

    (void)snprintf(name, sizeof(name), "tenants/%s/directory.yaml", tenant);
    if (access(path, R_OK) == 0)
        add_file(f, path, name, with, n);
}

/* Keys of a tenant's directory and revoker, unless the starter has them. */
static void add_roles(struct fixture *f, const char *tenant,
                      const char *directory, const char *revoker)
{
    char name[512], text[4096];
    const char *old;

    (void)snprintf(name, sizeof(name), "tenants/%s/trust.yaml", tenant);
    old = fix_get(f, name);
    if (strstr(old, "\ndirectory:") != NULL)
        return;
    (void)snprintf(text, sizeof(text),
                   "%s\ndirectory:\n  - name: %s-directory\n    key: %s\n"
                   "revokers:\n  - name: %s-security\n    key: %s\n",
                   old, tenant, directory, tenant, revoker);
    fix_set(f, name, text);
}

void fix_add_starter(struct fixture *f, const char *tenant, unsigned issuer,
                     unsigned agent)
{
    bool b = issuer == KEY_ISSUER_B;
    char issuer_hex[65], agent_hex[65], directory_hex[65], revoker_hex[65];
    const struct filling with[] = {
        {"{{tenant}}", tenant},
        {"{{workspace}}", WORKSPACE},
        {"{{sidecar_id}}", "sidecar/local"},
        {"{{issuer_pub}}", issuer_hex},
        {"{{agent_pub}}", agent_hex},
        {"{{directory_pub}}", directory_hex},
        {"{{revoker_pub}}", revoker_hex},
        {"{{agent_uid}}", "1000"},
    };
    const size_t n = sizeof(with) / sizeof(with[0]);

    fix_pk_hex(issuer, issuer_hex);
    fix_pk_hex(agent, agent_hex);
    fix_pk_hex(b ? KEY_DIRECTORY_B : KEY_DIRECTORY, directory_hex);
    fix_pk_hex(b ? KEY_REVOKER_B : KEY_REVOKER, revoker_hex);
    add_folder(f, "tools", with, n);
    add_folder(f, "tenants/{{tenant}}", with, n);
    add_folder(f, "tenants/{{tenant}}/policies/hard", with, n);
    add_folder(f, "tenants/{{tenant}}/policies/approval", with, n);
    add_source(f, tenant, with, n);
    add_roles(f, tenant, directory_hex, revoker_hex);
}

/* ---- delegations -------------------------------------------------------- */

static size_t chain_of(const struct fix_grant *g, uint8_t *out, size_t cap)
{
    static const struct delegation_attr attrs[] = {{{"acr", 3}, {"2", 1}}};
    struct delegation_root root = {.grant_id = "0123456789abcde",
                                   .tenant = ts_str_of(g->tenant),
                                   .user = ts_str_of(g->user),
                                   .agent = ts_str_of(g->agent),
                                   .aud = TS_STR_LIT("sidecar/local"),
                                   .task = ts_str_of(g->task),
                                   .iat = FIX_NOW_S - 10,
                                   .nbf = FIX_NOW_S - 10,
                                   .exp = FIX_NOW_S + 3000,
                                   .depth = 2,
                                   .policies = ts_str_of(g->policy),
                                   .attrs = attrs,
                                   .attr_count = 1};
    struct delegation_link link = {.nonce = "fedcba987654321",
                                   .agent = ts_str_of(g->sub_agent),
                                   .iat = FIX_NOW_S - 5,
                                   .nbf = FIX_NOW_S - 5,
                                   .exp = FIX_NOW_S + 2000,
                                   .depth = 1,
                                   .policies = ts_str_of(g->sub_policy)};
    struct trust_secret issuer = {0}, holder = {0};
    static uint8_t first[TS_CHAIN_MAX];
    char issuer_name[TS_ID_MAX];
    size_t len;

    (void)snprintf(issuer_name, sizeof(issuer_name), "%s-issuer", g->tenant);
    root.issuer = ts_str_of(issuer_name);
    fix_pk(g->holder, root.holder);
    fix_secret(g->issuer, &issuer);
    assert_int_equal(
        delegation_sign_root(&root, &issuer, first, sizeof(first), &len),
        TRUST_OK);
    memcpy(out, first, len);
    if (g->sub_agent != NULL) {
        fix_pk(g->sub_holder, link.holder);
        fix_secret(g->holder, &holder);
        assert_int_equal(delegation_append_link(first, len, &link, issuer.pk,
                                                &holder, out, cap, &len),
                         TRUST_OK);
        trust_secret_done(&holder);
    }
    trust_secret_done(&issuer);
    return len;
}

ts_err fix_authority_try(struct fixture *f, const struct fix_grant *g,
                         struct authority **ret, enum trust_code *reterr)
{
    static uint8_t chain[TS_CHAIN_MAX];
    size_t len = chain_of(g, chain, sizeof(chain));
    const struct snapshot_tenant *t =
        snapshot_tenant_find(f->snapshot, ts_str_of(g->tenant));
    struct authority *a = NULL;
    ts_err e;

    assert_non_null(t);
    e = authority_make(chain, len, &t->trust, FIX_NOW_S, &a, reterr);
    if (e == TS_OK && (e = authority_blocks(a, t->schema, reterr)) != TS_OK) {
        authority_free(a);
        return e;
    }
    if (e == TS_OK)
        *ret = a;
    return e;
}

struct authority *fix_authority(struct fixture *f, const struct fix_grant *g)
{
    struct authority *a = NULL;
    enum trust_code code = TRUST_OK;
    ts_err e = fix_authority_try(f, g, &a, &code);

    if (e != TS_OK)
        print_error("%s\n", trust_code_name(code));
    assert_int_equal(e, TS_OK);
    memset(a->session_id, 0x5e, sizeof(a->session_id));
    a->peer_uid = 1000;
    a->peer_gid = 1001;
    a->peer_pid = 42;
    return a;
}

/* ---- calls -------------------------------------------------------------- */

static void put_value(struct mp_writer *w, char kind, const char *v, size_t n)
{
    char text[4096];

    (void)snprintf(text, sizeof(text), "%.*s", (int)n, v);
    if (kind == ':') {
        mp_write_int(w, strtoll(text, NULL, 10));
    } else if (kind == '?') {
        mp_write_bool(w, text[0] == '1');
    } else if (kind == '@') {
        uint32_t items = n > 0;
        const char *at = text;

        for (const char *c = text; *c != '\0'; c++)
            items += *c == ',';
        mp_write_array(w, items);
        for (; items > 0; items--) {
            size_t len = strcspn(at, ",");

            mp_write_str(w, at, len);
            at += len + 1;
        }
    } else {
        mp_write_str(w, v, n);
    }
}

size_t fix_args(const char *text, uint8_t *out, size_t cap)
{
    struct mp_writer w;
    uint32_t count = text[0] != '\0';
    size_t len = 0;

    for (const char *c = text; *c != '\0'; c++)
        count += *c == ';';
    mp_writer_init(&w, out, cap);
    mp_write_map(&w, count);
    while (*text != '\0') {
        size_t n = strcspn(text, ";"), k = strcspn(text, "=");
        char kind = k > 0 && strchr(":?@", text[k - 1]) ? text[k - 1] : '=';

        mp_write_str(&w, text, kind == '=' ? k : k - 1);
        put_value(&w, kind, text + k + 1, n - k - 1);
        text += n + (text[n] == ';');
    }
    assert_int_equal(mp_written(&w, &len), TS_OK);
    return len;
}

void fix_decide(struct fixture *f, const struct authority *a,
                const struct fix_call *c, struct fix_result *ret)
{
    uint8_t args[8192];
    struct ts_str label = ts_str_of(c->provenance);
    struct call_input call = {
        .seq = ++f->seq,
        .call_id = "call-id-16bytes",
        .tool = ts_str_of(c->tool),
        .args = {args, fix_args(c->args, args, sizeof(args))},
        .provenance = &label,
        .provenance_count = c->provenance != NULL,
        .task = f->task,
        .has_stdin = c->has_stdin,
        .check_only = c->check_only,
        .is_counted = c->is_counted,
        .rev_seq = 3,
        .now = f->now,
        .received_ns = f->now.boot_ns - 2000,
        .already_denied =
            c->already_denied != 0 ? c->already_denied : CODE_PERMITTED};
    struct decide_input in = {.snapshot = f->snapshot,
                              .authority = a,
                              .call = &call,
                              .meters = f->meters,
                              .uses = f->uses,
                              .order_id = 77,
                              .boot_id = UINT64_C(0x1122334455667788),
                              .token_key = f->token_key,
                              .people = c->people,
                              .sidecar_id = TS_STR_LIT("sidecar/local")};

    ts_arena_reset(&f->arena);
    ret->record_len = 0;
    ret->e = decide_call(&in, &f->arena, ret->record, sizeof(ret->record),
                         &ret->record_len, &ret->d);
}

const char *fix_code(struct fixture *f, const struct authority *a,
                     const char *tool, const char *args)
{
    static struct fix_result r;
    struct fix_call c = {.tool = tool, .args = args};

    fix_decide(f, a, &c, &r);
    assert_int_equal(r.e, TS_OK);
    return call_code_name(r.d.code);
}

struct ts_bytes fix_record_get(const struct fix_result *r, const char *key)
{
    struct mp_reader m;
    struct ts_bytes v = {0};
    uint32_t n;

    mp_reader_init(&m, r->record, r->record_len);
    n = mp_read_map(&m, 64);
    for (uint32_t i = 0; i < n; i++) {
        struct ts_str k = mp_read_str(&m, 64);
        struct ts_bytes raw = mp_read_raw(&m, TS_RECORD_MAX);

        if (ts_str_eq_c(k, key))
            v = raw;
    }
    assert_int_equal(mp_done(&m), TS_OK);
    return v;
}

bool fix_record_is(const struct fix_result *r, const char *key,
                   const char *text)
{
    struct ts_bytes raw = fix_record_get(r, key);
    struct mp_reader m;
    struct ts_str s;

    mp_reader_init(&m, raw.ptr, raw.len);
    s = mp_read_str(&m, TS_RECORD_MAX);
    return mp_done(&m) == TS_OK && ts_str_eq_c(s, text);
}
