#include "cli/directory/push.h"

#include "cli/cmd.h"
#include "proto/wire/limits.h"

static enum dir_push await_ack(struct admin_socket *s, uint64_t wait_s,
                               struct admin_ack *ret)
{
    switch (admin_receive_ack(s, wait_s * 1000, ret)) {
    case ADMIN_GOT:
        return DIR_PUSH_DONE;
    case ADMIN_BROKEN:
        return s->was_refused ? DIR_PUSH_REFUSED : DIR_PUSH_UNKNOWN;
    case ADMIN_TIMEOUT:
        break;
    }
    cli_error("no answer from the service within %llu s",
              (unsigned long long)wait_s);
    return DIR_PUSH_UNKNOWN;
}

static enum dir_push await_complete(struct admin_socket *s, uint64_t wait_s,
                                    uint64_t rev_seq)
{
    switch (admin_receive_complete(s, wait_s * 1000, rev_seq)) {
    case ADMIN_GOT:
        return DIR_PUSH_DONE;
    case ADMIN_BROKEN:
        cli_error("it is in force, but whether every tool has ended is not "
                  "known");
        break;
    case ADMIN_TIMEOUT:
        cli_error("in force, but after %llu s not every tool was seen to end; "
                  "tipstaff status shows how many run",
                  (unsigned long long)wait_s);
        break;
    }
    return DIR_PUSH_UNFINISHED;
}

static bool send_feed(struct admin_socket *s, const struct admin_feed *m)
{
    struct ts_buf out;
    bool ok;

    ts_buf_init(&out, TS_SNAPSHOT_MAX + 4096);
    ok = admin_feed_send(&out, m) == TS_OK;
    if (!ok)
        cli_error("out of memory");
    ok = ok && admin_send(s, &out);
    ts_buf_done(&out);
    return ok;
}

static enum dir_push converse(struct admin_socket *s,
                              const struct admin_feed *m, uint64_t wait_s,
                              bool (*ack)(void *), void *arg,
                              struct dir_pushed *ret)
{
    struct admin_ack a = {.rev_seq = 0};
    uint64_t from_ns = admin_now_ns();
    enum dir_push r;

    if (!send_feed(s, m))
        return DIR_PUSH_REFUSED; /* half a frame is not acted upon */
    if ((r = await_ack(s, wait_s, &a)) != DIR_PUSH_DONE)
        return r;
    if (ack != NULL && !ack(arg))
        return DIR_PUSH_UNFINISHED;
    r = await_complete(s, wait_s, a.rev_seq);
    ret->sessions = a.sessions_closed;
    ret->tools = a.tools_signalled;
    ret->took_ms = (admin_now_ns() - from_ns) / 1000000;
    return r;
}

enum dir_push dir_push(const char *socket_path, const struct admin_feed *m,
                       uint64_t wait_s, bool (*ack)(void *), void *arg,
                       struct dir_pushed *ret)
{
    struct admin_socket s;
    enum dir_push r;

    if (!admin_open(&s, socket_path))
        return DIR_PUSH_NOBODY;
    r = converse(&s, m, wait_s, ack, arg, ret);
    admin_close(&s);
    return r;
}
