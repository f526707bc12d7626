#include "sidecar/broker/broker.h"

#include <sys/resource.h>

#include "proto/base/ts_mem.h"
#include "sidecar/broker/gate_io.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/launcher_in.h"
#include "sidecar/broker/relay.h"
#include "sidecar/broker/resolve.h"
#include "sidecar/common/log.h"

uint64_t broker_now_ms(const struct broker *b)
{
    return uv_now(&b->loop);
}

void broker_fail(struct broker *b, const char *why)
{
    if (b->exit_code == 0)
        log_event(LOG_ERROR, "broker_failed reason=\"%s\"", why);
    b->exit_code = 1;
    uv_stop(&b->loop);
}

ts_err broker_init(struct broker *b)
{
    struct rlimit files;
    rlim_t fit;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || uv_loop_init(&b->loop) != 0)
        return TS_E_SYSTEM;
    fit = files.rlim_cur > 2 * BROKER_OTHER_FDS
              ? (files.rlim_cur - BROKER_OTHER_FDS) / BROKER_CONN_FDS
              : files.rlim_cur / 2 / BROKER_CONN_FDS;
    b->conns_max = fit < BROKER_CONNS_MAX ? (uint32_t)fit : BROKER_CONNS_MAX;
    b->relay_buf = ts_mem_alloc(RELAY_PENDING_MAX);
    return b->relay_buf != NULL ? TS_OK : TS_E_NOMEM;
}

ts_err broker_start(struct broker *b)
{
    ts_err e = gate_io_start(b);

    return e == TS_OK ? launcher_in_start(b) : e;
}

void broker_done(struct broker *b)
{
    grants_end_all(b, END_SHUTDOWN);
    launcher_in_close(b);
    gate_io_close(b);
    if (b->resolver != NULL)
        resolver_close(b->resolver);
    (void)uv_run(&b->loop, UV_RUN_DEFAULT); /* the close callbacks */
    if (uv_loop_close(&b->loop) != 0)
        log_event(LOG_WARN, "handles_left_open");
    policy_release(b->current);
    policy_release(b->previous);
    policy_release(b->prepared);
    ts_mem_free(b->relay_buf);
}
