/* One call of a run at a time. */
#include "sidecar/launcher/metadata/turns.h"

#include <stddef.h>
#include <string.h>

static bool is_busy(const struct metadata_turns *t, uint64_t mark)
{
    for (size_t i = 0; i < METADATA_THREADS; i++) {
        if (mark != 0 && t->busy[i] == mark)
            return true;
    }
    return false;
}

static void begin(struct metadata_turns *t, uint64_t mark)
{
    for (size_t i = 0; i < METADATA_THREADS && mark != 0; i++) {
        if (t->busy[i] == 0) {
            t->busy[i] = mark;
            return;
        }
    }
}

static uint32_t waiting_of(const struct metadata_turns *t, uint64_t mark)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->count; i++)
        n += t->waiting[i].mark == mark ? 1 : 0;
    return n;
}

enum metadata_when metadata_turns_take(struct metadata_turns *t,
                                       const struct metadata_turn *turn)
{
    if (!is_busy(t, turn->mark)) {
        begin(t, turn->mark);
        return METADATA_NOW;
    }
    if (t->count == METADATA_WAIT_MOST ||
        waiting_of(t, turn->mark) >= METADATA_WAIT_OF_RUN)
        return METADATA_NEVER;
    t->waiting[t->count++] = *turn;
    return METADATA_LATER;
}

bool metadata_turns_next(struct metadata_turns *t, struct metadata_turn *ret)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (is_busy(t, t->waiting[i].mark))
            continue;
        *ret = t->waiting[i];
        t->count--;
        memmove(&t->waiting[i], &t->waiting[i + 1],
                (t->count - i) * sizeof(t->waiting[0]));
        begin(t, ret->mark);
        return true;
    }
    return false;
}

void metadata_turns_over(struct metadata_turns *t, uint64_t mark)
{
    for (size_t i = 0; i < METADATA_THREADS && mark != 0; i++) {
        if (t->busy[i] == mark) {
            t->busy[i] = 0;
            return;
        }
    }
}
