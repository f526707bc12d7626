/* Where a tool may change more than content. */
#include <errno.h>

#include "sidecar/launcher/layers/landlock.h"
#include "sidecar/launcher/start/launch_priv.h"

/* The same that Landlock lets it write, but for devices that all tools have. */
static uint32_t collect(const struct launch *x, int *fds)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < x->tool->rule_count; i++) {
        const struct tool_rule *r = &x->tool->rules[i];

        if (!r->is_shared && (r->access & LL_WRITE_FILE) != 0)
            fds[n++] = r->fd;
    }
    if (x->resource_fd >= 0 && x->plan.access == ACCESS_WRITE)
        fds[n++] = x->resource_fd;
    if (x->scratch_fd >= 0)
        fds[n++] = x->scratch_fd;
    return n;
}

ts_err launch_make_metadata(struct launch *x)
{
    void *room;

    if (x->l->metadata == NULL || launch_is_full(x) || x->uid != 0)
        return TS_OK;
    if (ts_arena_array(&x->arena, x->tool->rule_count + 2u, sizeof(int),
                       &room) != TS_OK ||
        metadata_admit(x->l->metadata, x->mark, room, collect(x, room)) !=
            TS_OK)
        return launch_fail(x, CODE_SANDBOX_UNAVAILABLE, "metadata", ENOMEM,
                           "where the tool may write could not be noted");
    return TS_OK;
}
