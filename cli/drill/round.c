/* One round: an agent's process at work, its grant revoked, both watched. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/admin_socket.h"
#include "cli/directory/installed.h"
#include "cli/drill/drill.h"
#include "proto/base/ts_fd.h"
#include "proto/trust/revocation_record.h"

struct round {
    struct drill *drill;
    struct drill_round *out;
    uint8_t grant[16];
    int fd; /* owned: to the agent's process */
    pid_t pid;
    uint64_t sent;
};

static bool fails(struct round *r, const char *why)
{
    (void)snprintf(r->out->why, sizeof(r->out->why), "%s", why);
    return false;
}

/* The next note, which must be of that kind. */
static bool await(struct round *r, enum drill_note_kind kind,
                  struct drill_note *ret)
{
    ssize_t n = recv(r->fd, ret, sizeof(*ret), 0);

    if (n != (ssize_t)sizeof(*ret))
        return fails(r, "the agent's process says nothing any more");
    ret->text[sizeof(ret->text) - 1] = '\0';
    if (ret->kind == DRILL_NOTE_FAILED)
        return fails(r, ret->text);
    return ret->kind == kind || fails(r, "the agent's process is out of turn");
}

static bool spawn(struct round *r)
{
    const struct timeval limit = {.tv_sec =
                                      (time_t)(r->drill->opt->wait_s + 30)};
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return fails(r, strerror(errno));
    r->pid = fork();
    if (r->pid == 0) {
        (void)close(fds[0]);
        drill_agent(r->drill, fds[1]);
    }
    (void)close(fds[1]);
    r->fd = fds[0];
    (void)setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return r->pid > 0 || fails(r, strerror(errno));
}

static bool make_record(const struct round *r, struct ts_buf *out)
{
    struct revocation_record rec = {
        .tenant = r->drill->tenant,
        .kind = REVOCATION_GRANT,
        .target = {.ptr = r->grant, .len = sizeof(r->grant)},
        .reason = ts_str_of("drill")};
    struct admin_revoke m;
    struct ts_buf record;
    uint64_t now;
    bool ok;

    if (!dir_now(&now))
        return false;
    rec.keep_until = revocation_keep_until(rec.kind, 0, now);
    memcpy(rec.nonce, r->grant, sizeof(rec.nonce));
    ts_buf_init(&record, SIGNED_REVOCATION_MAX);
    ok = revocation_record_make(&rec, &r->drill->revoker_key, &record) == TS_OK;
    m.record.ptr = ts_buf_bytes(&record);
    m.record.len = record.len;
    ok = ok && admin_revoke_send(out, &m) == TS_OK;
    ts_buf_done(&record);
    return ok;
}

/* Both answers of the gate, and the byte to the agent between them. */
static bool revoke_grant(struct round *r, struct admin_socket *s)
{
    const uint64_t wait_ms = r->drill->opt->wait_s * 1000;
    struct admin_ack ack;
    struct ts_buf out;
    bool sent;

    ts_buf_init(&out, 4096);
    sent = make_record(r, &out);
    r->sent = admin_now_ns();
    sent = sent && admin_send(s, &out);
    ts_buf_done(&out);
    if (!sent || admin_receive_ack(s, wait_ms, &ack) != ADMIN_GOT)
        return fails(r, "the revocation was not acknowledged");
    r->out->signalled = admin_now_ns() - r->sent;
    if (send(r->fd, "", 1, MSG_NOSIGNAL) != 1)
        return fails(r, "the agent's process has ended");
    if (admin_receive_complete(s, wait_ms, ack.rev_seq) != ADMIN_GOT)
        return fails(r, "not every tool was seen to end");
    r->out->dead = admin_now_ns() - r->sent;
    return ack.tools_signalled > 0 ||
           fails(r, "no tool was signalled, though one was running");
}

/* RESULT and the denial come in either order. */
static bool hear(struct round *r)
{
    struct drill_note n;

    for (int i = 0; i < 2; i++) {
        ssize_t got = recv(r->fd, &n, sizeof(n), MSG_PEEK);
        bool ended = got == (ssize_t)sizeof(n) && n.kind == DRILL_NOTE_ENDED;

        if (!await(r, ended ? DRILL_NOTE_ENDED : DRILL_NOTE_DENIED, &n))
            return false;
        if (ended && strcmp(n.text, "revoked") != 0)
            return fails(r, "the tool ended, but not by the revocation");
        if (ended)
            r->out->result = n.ns - r->sent;
        else
            r->out->denied = n.ns - r->sent;
    }
    return await(r, DRILL_NOTE_SHUT, &n);
}

static bool run(struct round *r, struct admin_socket *s)
{
    struct drill_note n;

    return spawn(r) && await(r, DRILL_NOTE_STARTED, &n) && revoke_grant(r, s) &&
           hear(r);
}

void drill_round(struct drill *d, struct drill_round *ret)
{
    struct round r = {.drill = d, .out = ret, .fd = -1, .pid = -1};
    struct admin_socket s;

    *ret = (struct drill_round){.pass = false};
    if (!drill_grant(d, r.grant))
        (void)fails(&r, "no grant");
    else if (!admin_open(&s, d->admin))
        (void)fails(&r, "no admin socket");
    else {
        ret->pass = run(&r, &s);
        admin_close(&s);
    }
    ts_fd_close(&r.fd);
    if (r.pid > 0) {
        if (!ret->pass)
            (void)kill(r.pid, SIGKILL); /* its tool goes with its session */
        (void)waitpid(r.pid, NULL, 0);
    }
}
