/* Every chain of the shared vector file ends in the very code that the file
 * says. (tipstaff delegation vectors also flips all their bits: 5 s.) */
#include "tests/lib/ts_test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/delegation/vectors_load.h"
#include "proto/base/ts_mem.h"

/* In place of the one of the program: nothing else of it is linked. */
void cli_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
}

static json_t *load(void)
{
    const char *shared = getenv("TIPSTAFF_SHARED");
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/vectors/delegation.json",
                     shared != NULL ? shared : SHARED_DIR);

    assert_true(n > 0 && (size_t)n < sizeof(path));
    return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

static enum trust_code judge(const struct vectors_config *cfg, const json_t *v)
{
    const char *hex = json_string_value(json_object_get(v, "chain"));
    size_t len = strlen(hex) / 2;
    uint8_t *chain = ts_mem_alloc(len + 1);
    struct ts_arena arena;
    struct delegation d;
    enum trust_code c;

    assert_non_null(chain);
    assert_int_equal(ts_hex_decode(hex, 2 * len, chain, len), TS_OK);
    ts_arena_init(&arena, 1u << 18);
    c = delegation_decode_verify(&cfg->trust, chain, len, cfg->now, &arena, &d);
    ts_arena_done(&arena);
    ts_mem_free(chain);
    return c;
}

static void every_vector_ends_in_its_code(void **state)
{
    json_t *top = load();
    struct vectors_config cfg;
    struct ts_arena arena;
    const json_t *v;
    size_t i, count = 0;

    (void)state;
    if (top == NULL) {
        (void)printf("SKIPPED: ../shared is absent\n");
        return;
    }
    ts_arena_init(&arena, 1u << 22);
    assert_true(vectors_config_load(top, &arena, &cfg));
    json_array_foreach(json_object_get(top, "vectors"), i, v)
    {
        const char *want = json_string_value(json_object_get(v, "expect"));
        const char *got = trust_code_name(judge(&cfg, v));

        if (strcmp(got, want) != 0)
            fail_msg("%s: %s instead of %s",
                     json_string_value(json_object_get(v, "name")), got, want);
        count++;
    }
    (void)printf("%zu vectors\n", count);
    assert_true(count >= 80);
    vectors_config_done(&cfg);
    ts_arena_done(&arena);
    json_decref(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_ends_in_its_code),
    };

    if (trust_init() != TS_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
