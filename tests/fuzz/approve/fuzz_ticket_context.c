/* What a ticket tells people: whatever is accepted can be written again, and
 * what was written is accepted. */
#include <stdint.h>

#include "proto/base/ts_require.h"
#include "sidecar/gate/approve/ticket_context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct ticket_context c, again; /* large, for a stack */
    struct ts_buf out;

    if (ticket_context_decode((struct ts_bytes){data, len}, 4, &c) != TS_OK)
        return 0;
    ts_buf_init(&out, TICKET_CONTEXT_MAX);
    TS_REQUIRE(ticket_context_encode(&c, &out) == TS_OK);
    TS_REQUIRE(
        ticket_context_decode((struct ts_bytes){ts_buf_bytes(&out), out.len}, 4,
                              &again) == TS_OK);
    TS_REQUIRE(again.arg_count <= c.arg_count);
    ts_buf_done(&out);
    return 0;
}
