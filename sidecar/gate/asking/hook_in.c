#include "sidecar/gate/asking/hook_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/gate_uv.h"
#include "sidecar/gate/running/order_out.h"
#include "sidecar/gate/steps/records.h"
#include "sidecar/gate/wire/admin_uv.h"
#include "sidecar/gate/wire/peer_recv.h"

#define NS_PER_S UINT64_C(1000000000)

static void keep(char *to, size_t *to_len, size_t max, struct ts_str s)
{
    *to_len = s.len < max ? s.len : max;
    if (*to_len > 0)
        memcpy(to, s.ptr, *to_len);
}

static void note(struct hook_state *h, struct ts_str code, struct ts_str text)
{
    keep(h->code, &h->code_len, sizeof(h->code), code);
    keep(h->text, &h->text_len, sizeof(h->text), text);
    h->record_due = true;
}

void hook_in_take(struct gate *g, uint32_t uid, int fd)
{
    ts_err e = peer_socket_options(fd);

    if (e == TS_OK)
        e = admin_new_hook(g, uid, &fd);
    if (e == TS_OK) {
        g->hook.was_there = g->hook.attached = true;
        return;
    }
    ts_fd_close(&fd); /* its process sees the end, and comes again */
    log_event(LOG_WARN, "hook_not_attached reason=\"%s\"", ts_err_text(e));
}

void hook_in_report(struct gate *g, const struct admin_hook *m)
{
    struct hook_state *h = &g->hook;
    bool worse = h->past_failed + m->failed > h->failed ||
                 h->past_left_out + m->left_out > h->left_out;

    h->ran = h->past_ran + m->ran;
    h->failed = h->past_failed + m->failed;
    h->left_out = h->past_left_out + m->left_out;
    if (worse)
        note(h, m->code, m->text);
    hook_in_turn(g);
}

void hook_in_gone(struct gate *g)
{
    struct hook_state *h = &g->hook;

    h->attached = false;
    h->past_ran = h->ran;
    h->past_failed = h->failed;
    h->past_left_out = h->left_out;
    if (!g->draining)
        note(h, TS_STR_LIT("lost"), TS_STR_LIT("its process ended"));
    hook_in_turn(g);
}

void hook_in_turn(struct gate *g)
{
    struct hook_state *h = &g->hook;
    uint64_t now = gate_now(g).boot_ns;
    const struct hook_record r = {.code = {h->code, h->code_len},
                                  .text = {h->text, h->text_len},
                                  .ran = h->ran,
                                  .failed = h->failed,
                                  .left_out = h->left_out};
    uint8_t record[ORDER_OUT_SMALL];
    size_t len = 0;

    if (!h->record_due || (h->recorded_ns != 0 &&
                           now - h->recorded_ns < HOOK_RECORD_S * NS_PER_S))
        return;
    if (record_hook_failed(&r, record, sizeof(record), &len) != TS_OK ||
        order_out_record_small(g, record, len) != TS_OK)
        return; /* it stays due: the next sweep tries again */
    order_out_wake(g);
    h->record_due = false;
    h->recorded_ns = now;
}

ts_err hook_in_status(const struct gate *g, struct ts_buf *out)
{
    const struct hook_state *h = &g->hook;
    char text[256];
    int n = snprintf(text, sizeof(text),
                     ",\"hook\":{\"state\":\"%s\",\"ran\":%" PRIu64
                     ",\"failed\":%" PRIu64 ",\"left_out\":%" PRIu64
                     ",\"last_failure\":\"%.*s\"}",
                     h->attached    ? "watching"
                     : h->was_there ? "lost"
                                    : "none",
                     h->ran, h->failed, h->left_out, (int)h->code_len, h->code);

    if (n < 0 || (size_t)n >= sizeof(text))
        return TS_E_LIMIT;
    return ts_buf_append(out, text, (size_t)n);
}
