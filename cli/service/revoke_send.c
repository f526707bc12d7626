#include "cli/service/revoke_send.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/admin_socket.h"
#include "cli/cmd.h"

struct sending {
    const char *title;
    uint64_t wait_s, sent_ns;
};

static double ms_since(uint64_t from_ns)
{
    return (double)(admin_now_ns() - from_ns) / 1e6;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static int await_complete(struct admin_socket *s, const struct sending *r,
                          uint64_t rev_seq)
{
    enum admin_wait w = admin_receive_complete(s, r->wait_s * 1000, rev_seq);

    if (w == ADMIN_GOT) {
        (void)printf(", all gone after %.1f ms\n", ms_since(r->sent_ns));
        return CLI_OK;
    }
    (void)printf("\n");
    (void)fflush(stdout);
    if (w == ADMIN_TIMEOUT)
        cli_error("revoked, but after %" PRIu64
                  " s not every tool was seen to end; tipstaff status shows "
                  "how many run",
                  r->wait_s);
    return CLI_FAILED;
}

static int await_ack(struct admin_socket *s, const struct sending *r)
{
    struct admin_ack ack;
    enum admin_wait w = admin_receive_ack(s, r->wait_s * 1000, &ack);

    if (w == ADMIN_TIMEOUT)
        cli_error("no answer within %" PRIu64
                  " s: it is not known whether it was revoked; try again",
                  r->wait_s);
    if (w != ADMIN_GOT)
        return CLI_FAILED;
    (void)printf("revoked %s: ack after %.1f ms (%" PRIu64
                 " tool%s signalled, %" PRIu64 " session%s closed)",
                 r->title, ms_since(r->sent_ns), ack.tools_signalled,
                 plural(ack.tools_signalled), ack.sessions_closed,
                 plural(ack.sessions_closed));
    (void)fflush(stdout); /* the wait may be long */
    return await_complete(s, r, ack.rev_seq);
}

int revoke_send(const char *socket, uint64_t wait_s, const char *title,
                struct ts_bytes record)
{
    struct sending r = {.title = title, .wait_s = wait_s};
    struct admin_revoke m = {.record = record};
    struct admin_socket s;
    struct ts_buf out;
    int code = CLI_FAILED;

    if (!admin_open(&s, socket))
        return CLI_FAILED;
    ts_buf_init(&out, 4096);
    r.sent_ns = admin_now_ns();
    if (admin_revoke_send(&out, &m) != TS_OK)
        cli_error("out of memory");
    else if (admin_send(&s, &out))
        code = await_ack(&s, &r);
    ts_buf_done(&out);
    admin_close(&s);
    return code;
}
