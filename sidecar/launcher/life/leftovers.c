/* Scratch folders of ended calls that take longer than a turn of the loop. */
#include <string.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/launcher.h"

/* What another user left there takes rights that are raised for it alone. */
ts_err leftovers_drop(struct launcher *l, int base_fd, const char *name)
{
    ts_err e;

    caps_raise(&l->caps, &l->key);
    e = scratch_remove(base_fd, name, SCRATCH_TURN, &l->key);
    caps_lower(&l->caps, &l->key);
    if (e != TS_OK && e != TS_E_AGAIN)
        log_event(LOG_WARN, "scratch_left name=%s error=\"%s\"", name,
                  ts_err_text(e));
    return e;
}

void leftovers_take(struct launcher *l, int base_fd, const char *name,
                    uid_t uid)
{
    ts_err e = leftovers_drop(l, base_fd, name);
    struct leftover *x = &l->leftovers[l->leftover_count];

    if (e == TS_E_AGAIN && l->leftover_count < LAUNCHER_LEFTOVERS_MAX) {
        x->base_fd = base_fd;
        x->uid = uid;
        memcpy(x->name, name, sizeof(x->name));
        l->leftover_count++;
        return;
    }
    if (e == TS_OK) /* else its files are still somewhere: never again */
        uids_give(&l->uids, uid);
    ts_fd_close(&base_fd);
}

bool leftovers_has_room(const struct launcher *l)
{
    return l->leftover_count + l->run_count < LAUNCHER_LEFTOVERS_MAX;
}

/* Each in turn: one that never ends holds up no other. */
void leftovers_turn(struct launcher *l)
{
    struct leftover x;

    if (l->leftover_count == 0)
        return;
    x = l->leftovers[0];
    l->leftover_count--;
    memmove(&l->leftovers[0], &l->leftovers[1],
            l->leftover_count * sizeof(l->leftovers[0]));
    leftovers_take(l, x.base_fd, x.name, x.uid);
}

void leftovers_end(struct launcher *l, uint64_t give_up_ns)
{
    while (l->leftover_count > 0 && now_ns() < give_up_ns)
        leftovers_turn(l);
}
