/* One byte chooses the kind of message, the rest is its body. What is accepted
 * must, sent again, be the very bytes that came: one value, one encoding. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/wire/limits.h"
#include "proto/wire/mp_read.h"
#include "tests/unit/msg/msg_recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *what = NULL;
    struct ts_buf out;
    uint8_t *body;
    ts_err e;

    if (len == 0 || len > TS_FRAME_MAX)
        return 0;
    body = ts_mem_alloc(len); /* one more than needed for an empty body */
    if (body == NULL)
        return 0;
    memcpy(body + 1, data + 1, len - 1); /* so that the end is the end */
    ts_buf_init(&out, (size_t)2 * TS_FRAME_MAX);
    e = msg_recode((enum msg_kind)(data[0] % KIND_COUNT), body + 1, len - 1,
                   &out, &what);
    if (e == TS_OK) {
        TS_REQUIRE(out.len == len - 1 + TS_FRAME_HEAD);
        TS_REQUIRE(
            memcmp(ts_buf_bytes(&out) + TS_FRAME_HEAD, body + 1, len - 1) == 0);
    } else {
        TS_REQUIRE(what != NULL && out.len == 0);
    }
    ts_buf_done(&out);
    ts_mem_free(body);
    return 0;
}
