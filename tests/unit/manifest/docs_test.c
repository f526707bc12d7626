/* Every yaml block of docs/TOOLS.md is a manifest that loads. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/common/bundle.h"
#include "sidecar/common/manifest.h"

static const struct manifest_facts facts = {.has_broker = true,
                                            .has_token_key = true};

static void tools_manual_examples_all_load(void **state)
{
    static char doc[65536];
    FILE *f = fopen(TOOLS_MANUAL, "rbe");
    size_t n;
    int blocks = 0;

    (void)state;
    assert_non_null(f);
    n = fread(doc, 1, sizeof(doc) - 1, f);
    (void)fclose(f);
    doc[n] = '\0';
    for (char *p = doc; (p = strstr(p, "```yaml\n")) != NULL;) {
        char *start = p + strlen("```yaml\n"), *end = strstr(start, "```");
        struct bundle_file file = {TS_STR_LIT("tools/x.yaml"), {start, 0}};
        const struct bundle b = {.files = &file, .count = 1};
        struct manifests *m = NULL;
        char err[512];

        assert_non_null(end);
        file.content.len = (size_t)(end - start);
        if (manifests_load(&b, &facts, 1, &m, err, sizeof(err)) != TS_OK)
            fail_msg("block %d: %s", blocks + 1, err);
        manifests_free(m);
        blocks++;
        p = end + 3;
    }
    assert_true(blocks >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tools_manual_examples_all_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
