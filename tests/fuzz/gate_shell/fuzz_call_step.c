/* Bytes as events in the life of one call. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "sidecar/gate/steps/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(int ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct call c = {0};
    int launched = 0, started = 0, killed = 0, ended = 0;

    for (size_t i = 0; i < len; i++) {
        enum call_event ev = (enum call_event)(data[i] % CALL_EVENT_COUNT_);
        enum call_effect effect = call_step(&c, ev);

        if (effect == CALL_DO_PANIC)
            return 0;
        launched += effect == CALL_DO_LAUNCH;
        started += effect == CALL_DO_STARTED;
        killed += effect == CALL_DO_KILL;
        ended += effect == CALL_DO_FINISH || effect == CALL_DO_REFUSED;
        must(launched <= 1 && started <= launched && killed <= launched);
        must(ended <= launched);                     /* one outcome at most */
        must(effect != CALL_DO_FINISH || started);   /* of what ran */
        must(effect != CALL_DO_REFUSED || !started); /* of what did not */
        must(!ended || c.state == CALL_DONE);
    }
    return 0;
}
