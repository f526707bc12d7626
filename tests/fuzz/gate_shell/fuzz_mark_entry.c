/* The first byte chooses: a directory's mark or a time. Whatever decodes
 * encodes to the same bytes and points into the input. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/gate/steps/mark_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(int ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1); /* so that a sanitizer sees */
    uint8_t again[MARK_PAYLOAD_MAX];
    const char *what = NULL;
    struct mark_entry m;
    uint64_t unix_ms;
    size_t n = 0;
    ts_err e;

    must(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    if (len > 0 && copy[0] % 2 == 0) {
        e = mark_entry_decode(copy + 1, len - 1, &m, &what);
        if (e == TS_OK) {
            must(m.tenant.ptr >= (char *)copy &&
                 m.tenant.ptr + m.tenant.len <= (char *)copy + len);
            must(mark_entry_encode(&m, again, sizeof(again), &n) == TS_OK);
        }
    } else {
        e = clock_entry_decode(copy + (len > 0), len > 0 ? len - 1 : 0,
                               &unix_ms, &what);
        if (e == TS_OK)
            must(clock_entry_encode(unix_ms, again, sizeof(again), &n) ==
                 TS_OK);
    }
    must(e == TS_OK ? n == len - 1 && memcmp(again, copy + 1, n) == 0
                    : what != NULL);
    free(copy);
    return 0;
}
