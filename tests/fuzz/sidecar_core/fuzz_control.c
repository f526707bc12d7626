/* What decodes encodes to the same bytes: one message, one encoding. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/common/control/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t again[CONTROL_MESSAGE_MAX];
    uint8_t *exact;

    if (len == 0 || len > CONTROL_MESSAGE_MAX)
        return 0;
    exact = malloc(len); /* so that one byte too far is seen */
    TS_REQUIRE(exact != NULL);
    memcpy(exact, data, len);
    for (uint32_t fds = 0; fds <= 3; fds++) {
        struct control_message m;
        size_t n = 0;

        if (control_decode(exact, len, fds, &m) != TS_OK)
            continue;
        m.bundle_fd = fds >= 1 ? 3 : -1;
        m.journal_fd = fds >= 2 ? 4 : -1;
        TS_REQUIRE(control_encode(&m, again, sizeof(again), &n) == TS_OK);
        TS_REQUIRE(n == len && memcmp(again, exact, n) == 0);
    }
    free(exact);
    return 0;
}
