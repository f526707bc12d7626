/* Whatever decodes encodes to the same bytes and points into the input. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/gate/escalate/escalation_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(int ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1); /* so that a sanitizer sees */
    uint8_t again[ESCALATION_PAYLOAD_MAX];
    struct escalation_entry r;
    const char *what = NULL;
    size_t n;

    must(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    if (escalation_entry_decode(copy, len, &r, &what) == TS_OK) {
        must(r.tenant.ptr >= (char *)copy &&
             r.tenant.ptr + r.tenant.len <= (char *)copy + len);
        must(escalation_entry_encode(&r, again, sizeof(again), &n) == TS_OK);
        must(n == len && memcmp(again, copy, n) == 0);
    } else {
        must(what != NULL);
    }
    free(copy);
    return 0;
}
