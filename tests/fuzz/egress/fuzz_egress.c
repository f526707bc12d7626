/* Any bytes as any body that the broker says or hears: what decodes
 * encodes to the same bytes, what does not names its flaw. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "tests/unit/egress/egress_recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t buf[EGRESS_MESSAGE_MAX];

    for (size_t body = 0; body < EGRESS_BODY_COUNT; body++) {
        const char *what = NULL;
        size_t n = 0;

        if (egress_recode(body, data, len, buf, sizeof(buf), &n, &what) ==
            TS_OK)
            TS_REQUIRE(n == len && memcmp(buf, data, n) == 0);
        else
            TS_REQUIRE(what != NULL);
    }
    return 0;
}
