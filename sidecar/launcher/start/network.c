#include "sidecar/launcher/start/network.h"

#include <errno.h>
#include <string.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"

#define RETRY_NS 1000000 /* for ENDs that the broker had no room for */

void network_init(struct network *n, bool has_broker)
{
    egress_out_init(&n->out, has_broker ? LAUNCHER_FD_BROKER : -1);
}

void network_want_nets(struct network *n, const struct filter_key *key)
{
    if (n->nets != NULL || n->out.sock < 0)
        return;
    if (space_nets_new(key, NETWORK_READY, &n->nets) != TS_OK)
        log_event(LOG_ERROR, "no_proxy_networks error=\"out of memory\"");
}

static void log_no_net(const char *step, int err)
{
    log_event(LOG_WARN, "no_proxy_network step=%s error=\"%s\"", step,
              strerror(err));
}

/* One that stands by, or one that is made now: a call waits for it rather than
 * being refused. */
static ts_err take_net(struct network *n, uint64_t now_ns,
                       struct space_net *ret, int *reterr_errno)
{
    const char *step = "";
    ts_err e;

    *reterr_errno = ENOTSUP;
    if (n->nets == NULL)
        return TS_E_UNSUPPORTED;
    e = space_nets_take(n->nets, ret);
    if (e == TS_E_AGAIN) {
        e = space_nets_hurry(n->nets, now_ns, &step, reterr_errno);
        if (e != TS_OK) {
            log_no_net(step, *reterr_errno);
            return e;
        }
        e = space_nets_take(n->nets, ret);
    }
    if (e == TS_E_AGAIN || e == TS_E_LIMIT)
        *reterr_errno = EAGAIN;
    else if (e != TS_OK)
        *reterr_errno = EMFILE; /* its listener is given as a copy */
    return e;
}

ts_err network_grant(struct network *n, const struct order *o,
                     const struct manifest *m, uint64_t now_ns,
                     struct network_use *ret, int *ret_fd, int *ret_net_ns,
                     const char **reterr_step, int *reterr_errno)
{
    struct egress_grant g = {.order_id = o->order_id,
                             .generation = o->generation,
                             .tool = m->tool,
                             .mode = EGRESS_BROKER,
                             .token = o->token};
    struct space_net net = {.net_ns = -1, .listener = -1};
    int fd = -1;
    ts_err e = TS_OK;

    memcpy(g.decision_id, o->decision_id, sizeof(g.decision_id));
    if (m->network.mode == NETWORK_PROXY) {
        g.mode = EGRESS_PROXY;
        *reterr_step = "net_ns";
        if ((e = take_net(n, now_ns, &net, reterr_errno)) != TS_OK)
            return e;
    }
    *reterr_step = "broker";
    e = egress_out_grant(&n->out, &g, net.listener, &fd, reterr_errno);
    ts_fd_close(&net.listener);
    if (e != TS_OK) {
        if (g.mode == EGRESS_PROXY)
            space_nets_give(n->nets, net.index);
        return e;
    }
    *ret = (struct network_use){
        .granted = true, .has_net = g.mode == EGRESS_PROXY, .index = net.index};
    *ret_fd = fd;
    *ret_net_ns = net.net_ns;
    return TS_OK;
}

ts_err network_cut(struct network *n, struct network_use *use,
                   uint64_t order_id, enum end_reason reason)
{
    if (!use->granted)
        return TS_OK;
    use->granted = false;
    return egress_out_end(&n->out, order_id, reason);
}

ts_err network_over(struct network *n, struct network_use *use,
                    uint64_t order_id, enum end_reason reason)
{
    ts_err e = network_cut(n, use, order_id, reason);

    if (use->has_net)
        space_nets_give(n->nets, use->index);
    use->has_net = false;
    return e;
}

void network_tick(struct network *n, uint64_t now_ns)
{
    const char *step = "";
    int err = 0;

    egress_out_flush(&n->out);
    if (n->nets == NULL || space_nets_next_ns(n->nets) > now_ns)
        return;
    if (space_nets_tick(n->nets, now_ns, &step, &err) != TS_OK)
        log_no_net(step, err);
}

uint64_t network_next_ns(const struct network *n)
{
    uint64_t next = n->nets != NULL ? space_nets_next_ns(n->nets) : UINT64_MAX;

    if (n->out.count > 0)
        return RETRY_NS; /* long past: as soon as may be */
    return next;
}
