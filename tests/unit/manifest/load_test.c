#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/mp_write.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest.h"
#include "tests/lib/fault_mem.h"

static const struct manifest_facts facts = {.has_broker = true,
                                            .has_token_key = true};

static const char good[] =
    "tool: t\nexec: /usr/bin/cat\nargv: [cat, '-n{n}', '{p}', '--', "
    "'{more...}']\n"
    "args:\n  n: {type: int, min: 1, max: 9}\n  p: {type: path, required: "
    "true}\n"
    "  more: {type: strings}\n"
    "resource: {type: File, arg: p, root: /srv/w, access: read}\n";

static ts_err load(const char *text, struct manifests **ret, char *err,
                   size_t cap)
{
    struct bundle_file f = {ts_str_of("tools/t.yaml"), ts_str_of(text)};
    const struct bundle b = {.files = &f, .count = 1};

    ts_err e = manifests_load(&b, &facts, 1, ret, err, cap);

    if (e != TS_OK || (*ret)->refused_count == 0)
        return e;
    assert_int_equal((*ret)->count, 0);
    (void)snprintf(err, cap, "%s", (*ret)->refused[0].text.ptr);
    manifests_free(*ret);
    *ret = NULL;
    return TS_E_FORMAT;
}

static const struct {
    const char *text, *where;
} mistakes[] = {
    {"tool: t\nexc: /x\n", "tools/t.yaml:2: unknown key \"exc\""},
    {"tool: t\ntool: u\n", "tools/t.yaml:2: key \"tool\" is given twice"},
    {"tool: &a t\n", "tools/t.yaml:1: anchors"},
    {"tool: *a\n", "tools/t.yaml:1: aliases"},
    {"tool: !!str t\n", "tools/t.yaml:1: anchors and tags"},
    {"tool: t\n---\ntool: u\n", "tools/t.yaml:2: a second document"},
    {"", "tools/t.yaml:1: the file is empty"},
    {"tool: t\nexec: bin/x\nargv: [x]\n", "tools/t.yaml:2: exec:"},
    {"tool: t\nexec: /bin/../x\nargv: [x]\n", "tools/t.yaml:2: exec:"},
    {"tool: t\nexec: /x\nargv: ['{a}']\n", "tools/t.yaml:3: argv: the first"},
    {"tool: t\nexec: /x\nargv: [x, $a]\nargs: {a: {type: int}}\n",
     "tools/t.yaml:3: argv: there is no shell, and \"$a\" would be passed as "
     "it "
     "stands; write \"{a}\""},
    {"tool: t\nexec: /x\nargv: [x, '{a}']\n", "tools/t.yaml:3: argv: \"{a}\""},
    {"tool: t\nexec: /x\nargv: [x, '{a']\n", "tools/t.yaml:3: argv: word 2"},
    {"tool: t\nexec: /x\nargv: [x]\nstdin: yes\n", "tools/t.yaml:4: expected"},
    {"tool: t\nexec: /x\nargv: [x]\nrequire: [magic]\n",
     "tools/t.yaml:4: unknown sandbox layer"},
    {"tool: t\nexec: /x\nargv: [x]\nlimits: {wall_ms: 0}\n",
     "tools/t.yaml:4: must be from"},
    {"tool: t\nexec: /x\nargv: [x]\nidentity_token: yes\n",
     "tools/t.yaml:4: identity_token: expected"},
    {"tool: t\nexec: /x\nargv: [x]\nidentity_token: {}\n",
     "tools/t.yaml:4: identity_token: give audience"},
    {"tool: t\nexec: /x\nargv: [x]\nidentity_token: {audience: a b}\n",
     "tools/t.yaml:4: identity_token: give audience"},
    {"tool: t\nexec: /x\nargv: [x]\nidentity_token: {audience: 'a\"'}\n",
     "tools/t.yaml:4: identity_token: give audience"},
    {"tool: t\nexec: /x\nargv: [x]\n"
     "identity_token: {audience: a, scope: 'r  w'}\n",
     "tools/t.yaml:4: identity_token: scope"},
    {"tool: t\nexec: /x\nargv: [x]\n"
     "identity_token: {audience: a, scope: ' r'}\n",
     "tools/t.yaml:4: identity_token: scope"},
    {"tool: t\nexec: /x\nargv: [x]\n"
     "identity_token: {audience: a, scope: 'r\\w'}\n",
     "tools/t.yaml:4: identity_token: scope"},
    {"tool: t\nexec: /x\nargv: [x]\n"
     "identity_token: {audience: a, ttl_s: 61}\n",
     "tools/t.yaml:4: must be from 1 to 60"},
    {"tool: t\nexec: /x\nargv: [x]\n"
     "identity_token: {audience: a, ttl_s: 0}\n",
     "tools/t.yaml:4: must be from 1 to 60"},
    {"tool: t\nexec: /x\nargv: [x]\n"
     "identity_token: {audience: [a, b]}\n",
     "tools/t.yaml:4: expected a text"},
    {"tool: t\nexec: /x\nargv: [x]\n"
     "identity_token: {aud: a}\n",
     "tools/t.yaml:4: unknown key \"aud\" in identity_token"},
    {"tool: t\nexec: /x\nargv: [x]\nseccomp: none\n",
     "tools/t.yaml:4: seccomp must"},
    {"tool: t\nexec: /x\nargv: [x]\nresource: {type: File, arg: q, root: "
     "/r, "
     "access: read}\n",
     "tools/t.yaml:4: resource: arg must"},
};

static void load_mistake_names_file_and_line(void **state)
{
    char err[512];

    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct manifests *m = NULL;

        assert_int_not_equal(load(mistakes[i].text, &m, err, sizeof(err)),
                             TS_OK);
        assert_null(m);
        if (strncmp(err, mistakes[i].where, strlen(mistakes[i].where)) != 0)
            fail_msg("got: %s\nnot: %s", err, mistakes[i].where);
    }
}

static void identity_token_is_read_with_its_default(void **state)
{
    struct manifests *m = NULL;
    char err[512];

    (void)state;
    assert_int_equal(
        load("tool: t\nexec: /x\nargv: [x]\n", &m, err, sizeof(err)), TS_OK);
    assert_int_equal(m->list[0].token.ttl_s, 0);
    manifests_free(m);
    assert_int_equal(load("tool: t\nexec: /x\nargv: [x]\n"
                          "identity_token: {audience: 'https://b.example/x'}\n",
                          &m, err, sizeof(err)),
                     TS_OK);
    assert_true(ts_str_eq_c(m->list[0].token.audience, "https://b.example/x"));
    assert_int_equal(m->list[0].token.scope.len, 0);
    assert_int_equal(m->list[0].token.ttl_s, 60);
    manifests_free(m);
    assert_int_equal(load("tool: t\nexec: /x\nargv: [x]\n"
                          "identity_token: {audience: b, scope: 'r w', "
                          "ttl_s: 5}\n",
                          &m, err, sizeof(err)),
                     TS_OK);
    assert_true(ts_str_eq_c(m->list[0].token.scope, "r w"));
    assert_int_equal(m->list[0].token.ttl_s, 5);
    manifests_free(m);
}

static ts_err argv_of(const struct manifest *m, const char *path,
                      const char *more, char *out, size_t cap)
{
    uint8_t args[512];
    struct mp_writer w;
    struct call_args c;
    struct ts_arena a;
    char err[256], **argv = NULL;
    uint32_t argc = 0;
    size_t len = 0, at = 0;
    ts_err e;

    mp_writer_init(&w, args, sizeof(args));
    mp_write_map(&w, more != NULL ? 2 : 1);
    mp_write_cstr(&w, "p");
    mp_write_cstr(&w, path);
    if (more != NULL) {
        mp_write_cstr(&w, "more");
        mp_write_array(&w, 2);
        mp_write_cstr(&w, more);
        mp_write_cstr(&w, "z");
    }
    assert_int_equal(mp_written(&w, &len), TS_OK);
    ts_arena_init(&a, 1 << 20);
    e = manifest_args(m, (struct ts_bytes){args, len}, &a, &c, err,
                      sizeof(err));
    if (e == TS_OK)
        e = manifest_argv(m, &c, &a, &argv, &argc);
    for (uint32_t i = 0; e == TS_OK && i < argc; i++)
        at += (size_t)snprintf(out + at, cap - at, "%s|", argv[i]);
    ts_arena_done(&a);
    return e;
}

static void argv_drops_absent_words_and_spreads_lists(void **state)
{
    struct manifests *m = NULL;
    char err[512], out[512];

    (void)state;
    assert_int_equal(load(good, &m, err, sizeof(err)), TS_OK);
    assert_int_equal(argv_of(&m->list[0], "a", NULL, out, sizeof(out)), TS_OK);
    assert_string_equal(out, "cat|/srv/w/a|--|");
    assert_int_equal(argv_of(&m->list[0], "-a", "-x", out, sizeof(out)), TS_OK);
    assert_string_equal(out, "cat|/srv/w/-a|--|-x|z|");
    assert_int_equal(argv_of(&m->list[0], "../a", NULL, out, sizeof(out)),
                     TS_E_INVALID);
    assert_int_equal(argv_of(&m->list[0], ".", NULL, out, sizeof(out)),
                     TS_E_INVALID); /* the folder is no file */
    manifests_free(m);
}

static void argv_value_that_looks_like_an_option_is_refused(void **state)
{
    static const char text[] = "tool: t\nexec: /x\nargv: [x, '{p}']\n"
                               "args: {p: {type: string, required: true%s}}\n";
    struct manifests *m = NULL;
    char yaml[256], err[512], out[64];

    (void)state;
    (void)snprintf(yaml, sizeof(yaml), text, "");
    assert_int_equal(load(yaml, &m, err, sizeof(err)), TS_OK);
    assert_int_equal(argv_of(&m->list[0], "-rf", NULL, out, sizeof(out)),
                     TS_E_INVALID);
    manifests_free(m);
    (void)snprintf(yaml, sizeof(yaml), text, ", allow_dash: true");
    assert_int_equal(load(yaml, &m, err, sizeof(err)), TS_OK);
    assert_int_equal(argv_of(&m->list[0], "-rf", NULL, out, sizeof(out)),
                     TS_OK);
    manifests_free(m);
}

static void load_out_of_memory_anywhere_leaks_nothing(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            struct manifests *m = NULL;
            char err[512];
            ts_err e;

            fault_mem_arm(nth, persistent != 0);
            e = load(good, &m, err, sizeof(err));
            manifests_free(m);
            assert_int_equal(fault_mem_live(), 0);
            if (!fault_mem_fired())
                break;
            assert_int_not_equal(e, TS_OK);
        }
    }
    fault_mem_disarm();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load_mistake_names_file_and_line),
        cmocka_unit_test(identity_token_is_read_with_its_default),
        cmocka_unit_test(argv_drops_absent_words_and_spreads_lists),
        cmocka_unit_test(argv_value_that_looks_like_an_option_is_refused),
        cmocka_unit_test(load_out_of_memory_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
