/* Messages of the recorder: a table of what may come, anything else stops us.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/launcher.h"

typedef ts_err order_fn(struct launcher *l, const uint8_t *body, size_t len,
                        const char **reterr_what);

static ts_err on_order(struct launcher *l, const uint8_t *body, size_t len,
                       const char **reterr_what)
{
    uint64_t received = now_ns();
    struct order o;
    ts_err e = order_decode(body, len, &o, reterr_what);

    return e == TS_OK ? launch_order(l, &o, received) : e;
}

static ts_err on_kill(struct launcher *l, const uint8_t *body, size_t len,
                      const char **reterr_what)
{
    struct order_kill k;
    ts_err e = order_kill_decode(body, len, &k, reterr_what);

    return e == TS_OK ? runs_kill(l, k.order_id, k.reason) : e;
}

static ts_err on_void(struct launcher *l, const uint8_t *body, size_t len,
                      const char **reterr_what)
{
    struct order_refusal r = {.step = "record",
                              .text = "the decision could not be recorded"};
    struct order_void v;
    ts_err e = order_void_decode(body, len, &v, reterr_what);

    if (e != TS_OK)
        return e;
    r.code = v.code;
    return launch_refuse(l, v.order_id, &r);
}

/* Every kill before it has been signalled: orders_receive() saw to that. */
static ts_err on_barrier(struct launcher *l, const uint8_t *body, size_t len,
                         const char **reterr_what)
{
    struct order_barrier b;
    ts_err e = order_barrier_decode(body, len, &b, reterr_what);

    return e == TS_OK ? back_barrier(&l->back, &b) : e;
}

static order_fn *handler_of(uint8_t type)
{
    static const struct {
        uint8_t type;
        order_fn *fn;
    } table[] = {{HOP_ORDER, on_order},
                 {HOP_KILL, on_kill},
                 {HOP_VOID, on_void},
                 {HOP_BARRIER, on_barrier}};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].type == type)
            return table[i].fn;
    }
    return NULL;
}

ts_err orders_receive(struct launcher *l)
{
    static uint8_t buf[1 + TS_ORDER_MAX + 1];
    const char *what = "";
    order_fn *fn;
    ssize_t n;
    int err;
    ts_err e;

    n = recv(LAUNCHER_FD_RECORDER, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);
    err = errno; /* the walk meets processes that are gone, and says so there */
    if (n <= 0 || buf[0] != HOP_KILL)
        runs_sweep(l); /* kills come in a row: one walk for all of them */
    if (n < 0)
        return err == EAGAIN || err == EINTR ? TS_E_AGAIN : TS_E_CLOSED;
    if (n == 0)
        return TS_E_CLOSED;
    fn = (size_t)n <= sizeof(buf) ? handler_of(buf[0]) : NULL;
    e = fn != NULL ? fn(l, buf + 1, (size_t)n - 1, &what) : TS_E_FORMAT;
    if (e != TS_OK)
        log_event(LOG_ERROR, "bad_order type=%u error=\"%s\" what=\"%s\"",
                  buf[0], ts_err_text(e), what);
    return e;
}
