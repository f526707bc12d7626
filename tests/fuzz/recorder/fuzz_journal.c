/* Bytes as a journal file: the walk ends, entries lie inside, and no more was
 * accepted than was there. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/recorder/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t key[JOURNAL_KEY] = {7, 7, 7};
    uint8_t *copy = ts_mem_alloc(len > 0 ? len : 1);
    struct journal_walk w = {.bytes = copy, .len = len, .key = key};
    struct journal_entry e;
    size_t before = 0;
    ts_err end;

    TS_REQUIRE(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    while ((end = journal_next(&w, &e)) == TS_OK) {
        TS_REQUIRE(w.at > before && w.at <= len);
        TS_REQUIRE(e.body.ptr >= copy + before &&
                   e.body.ptr + e.body.len <= copy + w.at);
        before = w.at;
    }
    TS_REQUIRE(end != TS_E_AGAIN || w.at == len);
    ts_mem_free(copy);
    return 0;
}
