/* A stream cut into frames: bodies lie inside, lengths add up, and appending
 * what was parsed gives the same bytes. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/wire/frame.h"
#include "proto/wire/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *exact = ts_mem_alloc(len > 0 ? len : 1);
    struct ts_buf again;
    size_t at = 0, used = 0;
    struct frame f = {0};

    TS_REQUIRE(exact != NULL);
    if (len > 0)
        memcpy(exact, data, len);
    ts_buf_init(&again, len + TS_FRAME_HEAD);
    while (frame_parse(exact + at, len - at, 4096, &f, &used) == TS_OK) {
        TS_REQUIRE(f.body == exact + at + TS_FRAME_HEAD && f.len <= 4096);
        TS_REQUIRE(used == f.len + TS_FRAME_HEAD && used <= len - at);
        TS_REQUIRE(frame_append(&again, f.type, f.body, f.len) == TS_OK);
        at += used;
    }
    TS_REQUIRE(again.len == at);
    TS_REQUIRE(at == 0 || memcmp(ts_buf_bytes(&again), exact, at) == 0);
    ts_buf_done(&again);
    ts_mem_free(exact);
    return 0;
}
