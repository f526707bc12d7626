#include "sidecar/supervisor/restart.h"

bool restart_note(struct restart *r, uint64_t now_ms, uint64_t *ret_wait_ms)
{
    uint32_t held = r->count < RESTART_MAX ? r->count : RESTART_MAX;
    uint32_t recent = 0;

    for (uint32_t i = 0; i < held; i++)
        recent += now_ms - r->deaths[i] < RESTART_WINDOW_MS;
    r->deaths[r->count % RESTART_MAX] = now_ms;
    r->count++;
    if (recent >= RESTART_MAX)
        return false;
    *ret_wait_ms = recent == 0 ? 0 : (uint64_t)RESTART_FIRST_MS << (recent - 1);
    return true;
}
