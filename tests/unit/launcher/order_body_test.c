/*
 * Every body between gate, recorder and launcher: what is understood, encoded
 * again, is what came; everything cut off is refused. With TIPSTAFF_SEED_DIR
 * set, also writes the samples there (fuzz corpus, see tests/fuzz/manifest).
 */
#include "tests/lib/ts_test.h"

#include "tests/unit/launcher/order_recode.h"

int main(void)
{
    struct recode_set set = order_bodies;
    const struct CMUnitTest tests[] = {
        RECODE_TESTS(&set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
