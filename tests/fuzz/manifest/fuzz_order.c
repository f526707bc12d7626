/* Any bytes as an order: what decodes encodes to the same bytes. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/msg/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t buf[TS_ORDER_MAX + 64];
    const char *what = NULL;
    size_t n = 0;
    struct order o;
    struct order_kill k;

    if (order_decode(data, len, &o, &what) == TS_OK) {
        TS_REQUIRE(order_encode(&o, buf, sizeof(buf), &n) == TS_OK);
        TS_REQUIRE(n == len && memcmp(buf, data, n) == 0);
    } else {
        TS_REQUIRE(what != NULL);
    }
    if (order_kill_decode(data, len, &k, &what) == TS_OK) {
        TS_REQUIRE(order_kill_encode(&k, buf, sizeof(buf), &n) == TS_OK);
        TS_REQUIRE(n == len && memcmp(buf, data, n) == 0);
    }
    return 0;
}
