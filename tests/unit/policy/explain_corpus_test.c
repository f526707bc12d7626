/* Every recorded request at hand, ours and those of the official engine: its
 * explanation holds together and goes with the decision. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cedar_explain.h"
#include "policy/cedar_schema.h"
#include "policy/json/value_json.h"
#include "proto/base/ts_mem.h"
#include "tests/unit/policy/explain_check.h"

#define PATH_CAP   1024
#define FILE_BYTES ((size_t)2 << 20)

struct tally {
    size_t cases, requests, policies;
};

struct recorded {
    const char *root; /* the folder that paths in a case are relative to */
    char text[4][FILE_BYTES]; /* the case, policies, schema, entities */
    struct ts_arena arena;
    const struct json *spec;
    struct cedar_policies *policies;
    struct cedar_schema *schema;
    struct cedar_entities *entities;
};

static bool slurp(const char *path, char *out, struct ts_str *ret)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL)
        return false;
    n = fread(out, 1, FILE_BYTES, f);
    (void)fclose(f);
    assert_true(n < FILE_BYTES);
    *ret = (struct ts_str){.ptr = out, .len = n};
    return true;
}

/* The file that the case names under key. */
static bool file_of(struct recorded *r, const char *key, char *out,
                    struct cedar_source *ret)
{
    const struct json *v = cedar_json_get(r->spec, ts_str_of(key));
    char path[PATH_CAP];

    *ret = (struct cedar_source){.name = key};
    if (v == NULL || v->kind != JSON_STRING)
        return false;
    (void)snprintf(path, sizeof(path), "%s/%.*s", r->root, (int)v->str.len,
                   v->str.ptr);
    return slurp(path, out, &ret->text);
}

static bool load(struct recorded *r, const char *path)
{
    struct cedar_options o = cedar_options_default;
    struct cedar_source src;

    o.require_id = false;
    src.name = path;
    if (!slurp(path, r->text[0], &src.text) ||
        cedar_json_parse(&r->arena, src.text, 0, NULL, &r->spec) != TS_OK ||
        !file_of(r, "policies", r->text[1], &src) ||
        cedar_policies_parse(&src, 1, &o, &r->policies, NULL) != TS_OK ||
        !file_of(r, "schema", r->text[2], &src) ||
        cedar_schema_parse(&src, 1, &r->schema, NULL) != TS_OK ||
        !file_of(r, "entities", r->text[3], &src))
        return false;
    return cedar_entities_parse_schema(r->schema, &src, 1, &r->entities,
                                       NULL) == TS_OK;
}

static bool uid_of(struct recorded *r, const struct json *v, const char *key,
                   struct cedar_uid *ret)
{
    const struct json *m = cedar_json_get(v, ts_str_of(key));
    const struct cedar_uid *uid;

    if (m == NULL ||
        cedar_uid_from_json(&r->arena, m, key, NULL, &uid) != TS_OK)
        return false;
    *ret = *uid;
    return true;
}

static bool request_of(struct recorded *r, const struct json *v,
                       struct cedar_request *ret)
{
    const struct json *context = cedar_json_get(v, TS_STR_LIT("context"));

    memset(ret, 0, sizeof(*ret));
    return context != NULL && uid_of(r, v, "principal", &ret->principal) &&
           uid_of(r, v, "action", &ret->action) &&
           uid_of(r, v, "resource", &ret->resource) &&
           cedar_value_from_json(&r->arena, context, NULL, &ret->context) ==
               TS_OK;
}

static void explain(struct recorded *r, const char *path,
                    const struct cedar_request *req, struct tally *t)
{
    struct cedar_answer plain, answer;
    struct cedar_explanation why;
    struct ts_arena arena;
    const char *bad;

    ts_arena_init(&arena, (size_t)64 << 20);
    assert_int_equal(
        cedar_authorize(r->policies, r->entities, req, &arena, &plain), TS_OK);
    assert_int_equal(
        cedar_explain(r->policies, r->entities, req, &arena, &answer, &why),
        TS_OK);
    if (!explain_same_answer(&plain, &answer))
        fail_msg("%s: explained, the answer is another", path);
    if ((bad = explain_check(r->policies, &answer, &why)) != NULL)
        fail_msg("%s: %s", path, bad);
    t->requests++;
    t->policies += why.count;
    ts_arena_done(&arena);
}

static void check(struct recorded *r, const char *path, struct tally *t)
{
    const struct json *list, *v;
    struct cedar_request req;

    r->policies = NULL;
    r->schema = NULL;
    r->entities = NULL;
    ts_arena_init(&r->arena, (size_t)256 << 20);
    if (load(r, path)) {
        list = cedar_json_get(r->spec, TS_STR_LIT("requests"));
        t->cases++;
        for (v = list != NULL ? list->first : NULL; v != NULL; v = v->next)
            if (request_of(r, v, &req))
                explain(r, path, &req, t);
    }
    cedar_policies_free(r->policies);
    cedar_schema_free(r->schema);
    cedar_entities_free(r->entities);
    ts_arena_done(&r->arena);
}

/* The cases of one folder below root: files *.json with no second dot. */
static void walk(struct recorded *r, const char *root, const char *folder,
                 struct tally *t)
{
    char dir[PATH_CAP], path[PATH_CAP];
    const struct dirent *e;
    DIR *d;

    (void)snprintf(dir, sizeof(dir), "%s/%s", root, folder);
    r->root = root;
    if ((d = opendir(dir)) == NULL)
        return;
    while ((e = readdir(d)) != NULL) {
        const char *dot = strchr(e->d_name, '.');

        if (dot == NULL || dot == e->d_name || strcmp(dot, ".json") != 0 ||
            snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >=
                (int)sizeof(path))
            continue;
        check(r, path, t);
    }
    (void)closedir(d);
}

static void report(const char *whose, const struct tally *t)
{
    print_message("%s: %zu cases, %zu requests, %zu policies explained\n",
                  whose, t->cases, t->requests, t->policies);
}

static void explanations_of_our_cases_hold(void **state)
{
    struct tally t = {0};

    walk(*state, TESTS_DIR "/spec/policy/cases", "own-tests", &t);
    report("ours", &t);
    assert_true(t.cases >= 19 && t.requests >= 90);
}

static void explanations_of_official_cases_hold(void **state)
{
    struct tally t = {0};

    /* unpacked by the tests of the corpus, if they have run before */
    walk(*state, CORPUS_DIR, "corpus-tests", &t);
    if (t.cases == 0) {
        print_message("SKIPPED: the corpus is not unpacked\n");
        skip();
    }
    report("official", &t);
    assert_true(t.requests >= t.cases);
}

static int setup(void **state)
{
    *state = ts_mem_alloc(sizeof(struct recorded));
    return *state == NULL;
}

static int teardown(void **state)
{
    ts_mem_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explanations_of_our_cases_hold),
        cmocka_unit_test(explanations_of_official_cases_hold),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
