/* One bad manifest is refused, the others are served. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest.h"

#define FILES_MAX 6

static const struct manifest_facts facts = {.has_broker = true};

struct file {
    const char *name, *text;
};

static struct manifests *load(const struct file *list)
{
    struct bundle_file f[FILES_MAX];
    struct bundle b = {.files = f};
    struct manifests *m = NULL;
    char err[512];

    while (b.count < FILES_MAX && list[b.count].name != NULL) {
        f[b.count] = (struct bundle_file){ts_str_of(list[b.count].name),
                                          ts_str_of(list[b.count].text)};
        b.count++;
    }
    assert_int_equal(manifests_load(&b, &facts, 3, &m, err, sizeof(err)),
                     TS_OK);
    return m;
}

#define TOOL(name) "tool: " name "\nexec: /x\nargv: [x]\n"

static void bad_one_is_refused_and_the_others_are_served(void **state)
{
    static const struct file files[FILES_MAX] = {
        {"tools/a.yaml", TOOL("a")},
        {"tools/b.yaml", TOOL("b") "bad: 1\n"},
        {"tools/c.yaml", TOOL("c")}};
    struct manifests *m = load(files);

    (void)state;
    assert_int_equal(m->count, 2);
    assert_int_equal(m->refused_count, 1);
    assert_int_equal(m->generation, 3);
    assert_non_null(manifests_find(m, TS_STR_LIT("a")));
    assert_non_null(manifests_find(m, TS_STR_LIT("c")));
    assert_null(manifests_find(m, TS_STR_LIT("b")));
    assert_null(manifests_refused(m, TS_STR_LIT("a")));
    assert_null(manifests_refused(m, TS_STR_LIT("")));
    assert_ptr_equal(manifests_refused(m, TS_STR_LIT("b")), &m->refused[0]);
    assert_true(ts_str_eq_c(m->refused[0].file, "tools/b.yaml"));
    assert_int_equal(m->refused[0].line, 4);
    manifests_free(m);
}

/* What a launcher says about its host. */
static void one_that_a_launcher_cannot_serve_is_noted_once(void **state)
{
    static const struct file files[FILES_MAX] = {{"tools/a.yaml", TOOL("a")},
                                                 {"tools/c.yaml", TOOL("c")}};
    static const char *const bad[] = {"",
                                      "tools/a.yaml",
                                      "tools/a.yaml:",
                                      "tools/a.yaml:x: y",
                                      "tools/a.yaml:99999999999: y",
                                      "tools/c.yaml:2: y",
                                      "tools/a.yamlx2: y"};
    struct manifests *m = load(files);
    const struct manifest *a = manifests_find(m, TS_STR_LIT("a"));
    const struct manifest *c = manifests_find(m, TS_STR_LIT("c"));

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(manifest_unserve(m, a, ts_str_of(bad[i])),
                         TS_E_INVALID);
    assert_false(manifest_is_unserved(m, a));
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            manifest_unserve(m, a, TS_STR_LIT("tools/a.yaml:2: exec: none")),
            TS_OK);
    assert_true(manifest_is_unserved(m, a));
    assert_false(manifest_is_unserved(m, c));
    assert_int_equal(m->unserved_count, 1);
    assert_int_equal(m->unserved[0].line, 2);
    assert_true(ts_str_eq_c(m->unserved[0].file, "tools/a.yaml"));
    assert_true(ts_str_eq_c(m->unserved[0].text, "tools/a.yaml:2: exec: none"));
    assert_int_equal(manifest_unserve(m, c, TS_STR_LIT("tools/c.yaml:1: x")),
                     TS_OK);
    assert_true(manifest_is_unserved(m, c));
    manifests_free(m);
}

static void two_of_the_same_tool_are_both_refused(void **state)
{
    static const struct file files[FILES_MAX] = {
        {"tools/a.yaml", "action: x\n" TOOL("t")},
        {"tools/b.yaml", TOOL("u")},
        {"tools/c.yaml", TOOL("t")},
        {"tools/d.yaml", TOOL("t")}};
    struct manifests *m = load(files);

    (void)state;
    assert_int_equal(m->count, 1);
    assert_int_equal(m->refused_count, 3);
    assert_true(ts_str_eq_c(m->refused[0].text,
                            "tools/a.yaml:2: tool \"t\" is declared in "
                            "tools/c.yaml as well; give one of them another "
                            "name"));
    assert_non_null(strstr(m->refused[1].text.ptr, "tools/c.yaml:1: "));
    assert_non_null(strstr(m->refused[2].text.ptr, "tools/d.yaml:1: "));
    assert_null(manifests_find(m, TS_STR_LIT("t")));
    assert_non_null(manifests_refused(m, TS_STR_LIT("t")));
    manifests_free(m);
}

/* The operator meant one of the two, and nobody knows which. */
static void twin_of_a_refused_one_is_refused_too(void **state)
{
    static const struct file files[FILES_MAX] = {
        {"tools/a.yaml", TOOL("t")}, {"tools/b.yaml", TOOL("t") "bad: 1\n"}};
    struct manifests *m = load(files);

    (void)state;
    assert_int_equal(m->count, 0);
    assert_int_equal(m->refused_count, 2);
    assert_non_null(strstr(m->refused[0].text.ptr, "declared in tools/b.yaml"));
    manifests_free(m);
}

/* What cannot be read as YAML may name a tool, but takes none away. */
static void name_in_a_broken_file_is_a_guess(void **state)
{
    static const struct {
        const char *text, *tool;
    } rows[] = {
        {"tool: t\nargv: [\n", "t"},
        {"tool: t \r\nargv: [\n", "t"},
        {"argv: [\ntool: t\n", "t"},
        {"tool: t x\nargv: [\n", ""},
        {"tool: \"t\"\nargv: [\n", ""},
        {"tool: ../t\nargv: [\n", ""},
        {"argv: [\n", ""},
        {"tool: \nargv: [\n", ""},
        {" tool: t\n\t- [\n", ""},
        {"\xff", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct file files[FILES_MAX] = {{"tools/a.yaml", TOOL("t")},
                                              {"tools/b.yaml", rows[i].text}};
        struct manifests *m = load(files);

        assert_int_equal(m->count, 1);
        assert_int_equal(m->refused_count, 1);
        if (!ts_str_eq_c(m->refused[0].tool, rows[i].tool))
            fail_msg("row %zu: \"%.*s\"", i, (int)m->refused[0].tool.len,
                     m->refused[0].tool.ptr);
        assert_true(m->refused[0].line > 0);
        assert_non_null(manifests_find(m, TS_STR_LIT("t")));
        manifests_free(m);
    }
}

static void tool_that_is_no_name_is_not_repeated(void **state)
{
    static const struct file files[FILES_MAX] = {
        {"tools/a.yaml", "tool: 'a b'\nexec: /x\nargv: [x]\n"},
        {"tools/b.yaml", "tool: [b]\n"}};
    struct manifests *m = load(files);

    (void)state;
    assert_int_equal(m->refused_count, 2);
    assert_int_equal(m->refused[0].tool.len, 0);
    assert_int_equal(m->refused[1].tool.len, 0);
    manifests_free(m);
}

static void too_many_files_are_no_generation_at_all(void **state)
{
    static struct bundle_file f[TS_TOOLS_MAX + 1];
    static char names[TS_TOOLS_MAX + 1][32];
    const struct bundle b = {.files = f, .count = TS_TOOLS_MAX + 1};
    struct manifests *m = NULL;
    char err[512];

    (void)state;
    for (size_t i = 0; i <= TS_TOOLS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "tools/%06zu.yaml", i);
        f[i] = (struct bundle_file){ts_str_of(names[i]), TS_STR_LIT("")};
    }
    assert_int_equal(manifests_load(&b, &facts, 1, &m, err, sizeof(err)),
                     TS_E_LIMIT);
    assert_null(m);
    assert_true(strncmp(err, "tools:1: more than", 18) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_one_is_refused_and_the_others_are_served),
        cmocka_unit_test(one_that_a_launcher_cannot_serve_is_noted_once),
        cmocka_unit_test(two_of_the_same_tool_are_both_refused),
        cmocka_unit_test(twin_of_a_refused_one_is_refused_too),
        cmocka_unit_test(name_in_a_broken_file_is_a_guess),
        cmocka_unit_test(tool_that_is_no_name_is_not_repeated),
        cmocka_unit_test(too_many_files_are_no_generation_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
