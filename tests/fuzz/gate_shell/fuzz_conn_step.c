/* Bytes as events, against what must hold after any of them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sidecar/gate/steps/conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(int ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct conn c = {0};
    int authenticated = 0, closed = 0;

    for (size_t i = 0; i < len; i++) {
        enum conn_event ev = (enum conn_event)(data[i] % CONN_EVENT_COUNT_);
        enum conn_state before = c.state;
        enum conn_effect effect = conn_step(&c, ev);

        if (closed) { /* final, and nothing happens in it any more */
            must(effect == CONN_DO_NOTHING && c.state == CONN_CLOSING);
            continue;
        }
        if (effect == CONN_DO_WELCOME) {
            must(before == CONN_VERIFYING && !authenticated);
            authenticated = 1;
        }
        if (effect >= CONN_DO_CALL && effect <= CONN_DO_DRAIN)
            must(authenticated);
        must(c.state >= before); /* never backwards: no second AUTH */
        closed = c.state == CONN_CLOSING;
        must(closed == (effect == CONN_DO_CLOSE || effect == CONN_DO_REFUSE));
    }
    return 0;
}
