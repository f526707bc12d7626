/* Manifests are given launchers by one list, launchers profiles by another:
 * both must be the same, whatever the files are called. */
#include "tests/lib/ts_test.h"

#include <stdlib.h>
#include <string.h>

#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/sandbox/names.h"

static int by_name(const void *a, const void *b)
{
    const struct bundle_file *x = a, *y = b;

    return ts_str_cmp(x->name, y->name);
}

static void manifest_and_launcher_agree_on_every_index(void **s)
{
    static const char *const pool[] = {
        "sandbox/a.yaml",  "sandbox/a-b.yaml",         "sandbox/a0.yaml",
        "sandbox/ab.yaml", "sandbox/b.yaml",           "sandbox/a-.yaml",
        "sandbox/zz.yaml", "sandbox/z.yaml",           "sandbox/x1.yaml",
        "tools/a.yaml",    "tenants/acme/tenant.yaml",
    };
    enum {
        POOL = sizeof(pool) / sizeof(pool[0])
    };

    (void)s;
    for (unsigned set = 0; set < 1u << POOL; set++) {
        struct bundle_file files[POOL];
        struct bundle b = {.files = files};
        struct sandbox_names n;
        const char *why = "";
        bool fits = true;

        sandbox_names_init(&n);
        for (unsigned i = 0; i < POOL; i++) {
            if ((set >> i & 1) != 0)
                files[b.count++] =
                    (struct bundle_file){ts_str_of(pool[i]), {"", 0}};
        }
        qsort(files, b.count, sizeof(files[0]), by_name);
        for (size_t i = b.count; i-- > 0;) {
            if (ts_str_starts(files[i].name, TS_STR_LIT("sandbox/")))
                fits =
                    fits && sandbox_names_add(&n, files[i].name, &why) == TS_OK;
        }
        assert_int_equal(fits, manifest_profile_count(&b) <= TS_LAUNCHERS_MAX);
        if (!fits)
            continue;
        assert_int_equal(manifest_profile_count(&b), n.count);
        for (uint32_t i = 0; i < n.count; i++) {
            uint32_t index = UINT32_MAX;

            assert_true(
                manifest_profile_index(&b, ts_str_of(n.list[i]), &index));
            assert_int_equal(index, i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifest_and_launcher_agree_on_every_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
