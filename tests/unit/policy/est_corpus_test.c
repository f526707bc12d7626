/* Every policy text at hand, ours and those of the official engine: its JSON is
 * read back to what prints the same and decides the same. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/ts_mem.h"
#include "tests/unit/policy/est_help.h"

#define PATH_CAP   1024
#define DEPTH_MAX  8
#define FILE_BYTES ((size_t)1 << 20)

struct tally {
    size_t files, policies, refused;
};

static char *slurp(const char *path)
{
    char *text = ts_mem_alloc(FILE_BYTES);
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(text);
    assert_non_null(f);
    n = fread(text, 1, FILE_BYTES - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    return text;
}

/* Decision, reasons and errors of one request, as text. */
static void answer(const struct cedar_ast *a, char *out, size_t cap)
{
    struct cedar_source es = {.name = "e", .text = TS_STR_LIT("[]")};
    struct cedar_request req = {
        .principal = cedar_uid_make(TS_STR_LIT("a"), TS_STR_LIT("")),
        .action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("action")),
        .resource = cedar_uid_make(TS_STR_LIT("a"), TS_STR_LIT(""))};
    struct cedar_policies *p = NULL;
    struct cedar_entities *e = NULL;
    struct cedar_answer got;
    struct ts_arena arena;
    size_t n;

    ts_arena_init(&arena, (size_t)16 << 20);
    assert_int_equal(cedar_ast_compile(a, &p, NULL), TS_OK);
    assert_int_equal(cedar_entities_parse(&es, 1, &e, NULL), TS_OK);
    assert_int_equal(cedar_record_make(&arena, NULL, 0, &req.context), TS_OK);
    assert_int_equal(cedar_authorize(p, e, &req, &arena, &got), TS_OK);
    n = (size_t)snprintf(out, cap, "%d of %zu:", (int)got.decision,
                         cedar_policies_count(p));
    for (uint32_t i = 0; i < got.reason_count && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, " %u", got.reasons[i]);
    for (uint32_t i = 0; i < got.error_count && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, " %u:%s", got.errors[i].policy,
                              got.errors[i].text);
    cedar_policies_free(p);
    cedar_entities_free(e);
    ts_arena_done(&arena);
}

static void check(const char *path, struct tally *t)
{
    static char first[65536], second[65536];
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = path};
    struct cedar_ast *a = NULL, *b;
    char *text = slurp(path), *json, *again;

    o.require_id = false;
    src.text = ts_str_of(text);
    if (cedar_ast_parse(&src, 1, &o, &a, NULL) != TS_OK) {
        t->refused++;
        ts_mem_free(text);
        return;
    }
    json = est_to_json(a);
    assert_non_null(json);
    b = est_from_json(ts_str_of(json));
    if (b == NULL)
        fail_msg("%s: its JSON is not read", path);
    again = est_to_json(b);
    if (strcmp(json, again) != 0)
        fail_msg("%s: its JSON changes", path);
    answer(a, first, sizeof(first));
    answer(b, second, sizeof(second));
    if (strcmp(first, second) != 0)
        fail_msg("%s: %s, from JSON %s", path, first, second);
    t->files++;
    t->policies += cedar_ast_count(a);
    cedar_ast_free(a);
    cedar_ast_free(b);
    ts_mem_free(json);
    ts_mem_free(again);
    ts_mem_free(text);
}

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n >= m && strcmp(s + n - m, suffix) == 0;
}

/* Every file below dir whose name ends in suffix. */
static void walk(const char *dir, const char *suffix, unsigned depth,
                 struct tally *t)
{
    DIR *d = depth < DEPTH_MAX ? opendir(dir) : NULL;
    const struct dirent *e;

    if (d == NULL)
        return;
    while ((e = readdir(d)) != NULL) {
        char path[PATH_CAP];
        struct stat st;

        if (e->d_name[0] == '.' ||
            snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >=
                (int)sizeof(path) ||
            stat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            walk(path, suffix, depth + 1, t);
        else if (has_suffix(e->d_name, suffix))
            check(path, t);
    }
    (void)closedir(d);
}

static void json_of_our_policies_comes_back(void **state)
{
    struct tally t = {0};

    (void)state;
    walk(TESTS_DIR "/spec/policy/cases", ".cedar", 0, &t);
    walk(TESTS_DIR "/golden", ".cedar", 0, &t);
    walk(TESTS_DIR "/fuzz/policy/corpus/cedar_policy", "", 0, &t);
    walk(TESTS_DIR "/fuzz/policy/corpus/cedar_format", "", 0, &t);
    print_message("%zu files of ours, %zu policies\n", t.files, t.policies);
    assert_true(t.files >= 30);
}

static void json_of_official_policies_comes_back(void **state)
{
    const char *shared = getenv("TIPSTAFF_SHARED");
    char path[PATH_CAP];
    struct tally t = {0};

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/cedar",
                   shared != NULL ? shared : SHARED_DIR);
    walk(path, ".cedar", 0, &t);
    /* unpacked by the tests of the corpus, if they have run before */
    walk(CORPUS_DIR, ".cedar", 0, &t);
    if (t.files == 0) {
        print_message("SKIPPED: ../shared is absent\n");
        skip();
    }
    print_message("%zu official files, %zu policies\n", t.files, t.policies);
    assert_int_equal(t.refused, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_of_our_policies_comes_back),
        cmocka_unit_test(json_of_official_policies_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
