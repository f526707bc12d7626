/*
 * The agent's half of a drill, in a process of the agent's uid: runs a tool,
 * and tries what must not work any more once the revocation is acknowledged.
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/admin_socket.h"
#include "cli/drill/drill.h"
#include "cli/opts.h"
#include "shim/tipstaff.h"

#define ANSWER_MS 10000
#define PAUSE_NS  250000000 /* between tries, at most PAUSES of them */
#define PAUSES    60

struct agent {
    const struct drill *drill;
    int fd;
    struct tipstaff *runs, *idle; /* sessions: of the tool; of the next call */
    char chain[DRILL_PATH_CAP], key[DRILL_PATH_CAP];
};

static void note(const struct agent *a, enum drill_note_kind kind,
                 const char *text, size_t len)
{
    struct drill_note n = {.kind = kind, .ns = admin_now_ns()};

    (void)ts_str_show(n.text, sizeof(n.text), text, len);
    (void)send(a->fd, &n, sizeof(n), MSG_NOSIGNAL); /* nobody left to tell */
}

_Noreturn static void failed(const struct agent *a, const char *what,
                             const char *text)
{
    char line[768];
    int n = snprintf(line, sizeof(line), "%s: %s", what, text);

    note(a, DRILL_NOTE_FAILED, line,
         n > 0 && (size_t)n < sizeof(line) ? (size_t)n : 0);
    _exit(1);
}

static void become(const struct agent *a)
{
    const struct drill *d = a->drill;

    if (d->drop && (setgroups((size_t)d->group_count, d->groups) != 0 ||
                    setresgid(d->gid, d->gid, d->gid) != 0 ||
                    setresuid(d->uid, d->uid, d->uid) != 0))
        failed(a, "the agent's uid cannot be taken", strerror(errno));
}

/* Many rounds meet the limit of handshakes: then it takes a moment more. */
static enum tipstaff_status open_session(const struct agent *a,
                                         struct tipstaff **ret, char *text)
{
    const struct tipstaff_config c = {.socket = a->drill->socket,
                                      .chain = a->chain,
                                      .key = a->key,
                                      .sign_calls = true};
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    enum tipstaff_status s = TIPSTAFF_UNAVAILABLE;

    for (int i = 0; i < PAUSES; i++) {
        s = tipstaff_open(&c, ret, text);
        if (s == TIPSTAFF_OK || strstr(text, "rate_limited") == NULL)
            break;
        (void)nanosleep(&pause, NULL);
    }
    return s;
}

/* NAME=VALUE; a value of digits is a number, as on the shim's command line. */
static void submit(const struct agent *a, struct tipstaff *t)
{
    const struct drill_options *o = a->drill->opt;
    const char *eq = o->arg != NULL ? strchr(o->arg, '=') : NULL;
    struct tipstaff_arg arg = {.type = TIPSTAFF_STRING};
    struct tipstaff_call call = {.tool = o->tool, .args = &arg};
    char name[128];
    uint64_t seq, number;

    if (eq != NULL && (size_t)(eq - o->arg) < sizeof(name)) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)(eq - o->arg), o->arg);
        arg.name = name;
        arg.str = eq + 1;
        if (cli_number(eq + 1, &number) && number <= INT64_MAX) {
            arg.type = TIPSTAFF_INT;
            arg.num = (int64_t)number;
        }
        call.args_count = 1;
    }
    if (tipstaff_submit(t, &call, &seq) != TIPSTAFF_OK)
        failed(a, "the call cannot be made", tipstaff_message(t));
}

static void start(struct agent *a)
{
    struct tipstaff_event ev;
    char text[TIPSTAFF_MESSAGE_MAX];
    enum tipstaff_status s;

    if (open_session(a, &a->runs, text) != TIPSTAFF_OK ||
        open_session(a, &a->idle, text) != TIPSTAFF_OK)
        failed(a, "no session under the new grant", text);
    submit(a, a->runs);
    s = tipstaff_next(a->runs, ANSWER_MS, &ev);
    if (s != TIPSTAFF_OK)
        failed(a, "the tool did not start",
               s == TIPSTAFF_AGAIN ? "no answer" : tipstaff_message(a->runs));
    if (ev.kind != TIPSTAFF_DECIDED || ev.verdict != TIPSTAFF_PERMIT)
        failed(a, "the tool was not permitted",
               ev.text.len > 0 ? ev.text.ptr : "by a policy");
    note(a, DRILL_NOTE_STARTED, "", 0);
}

static bool is_revoked(struct tipstaff_str code)
{
    return code.len == strlen("revoked") &&
           memcmp(code.ptr, "revoked", code.len) == 0;
}

/* The call that comes after the ACK, on a session that was idle. */
static void next_call(const struct agent *a)
{
    struct tipstaff_event ev;
    enum tipstaff_status s;
    const char *said;

    submit(a, a->idle);
    s = tipstaff_next(a->idle, ANSWER_MS, &ev);
    said = tipstaff_message(a->idle);
    if (s == TIPSTAFF_OK &&
        (ev.kind != TIPSTAFF_DECIDED || ev.verdict != TIPSTAFF_DENY ||
         !is_revoked(ev.code)))
        failed(a, "a call after the acknowledgement", "was not denied");
    if (s != TIPSTAFF_OK && s != TIPSTAFF_LOST)
        failed(a, "a call after the acknowledgement", "got no answer");
    if (s == TIPSTAFF_LOST && strstr(said, "revoked") == NULL)
        failed(a, "the session of the next call was lost", said);
    note(a, DRILL_NOTE_DENIED, "revoked", strlen("revoked"));
}

/* True when the tool's RESULT has come. */
static bool tool_ended(const struct agent *a)
{
    struct tipstaff_event ev;
    enum tipstaff_status s = tipstaff_next(a->runs, 0, &ev);

    if (s == TIPSTAFF_AGAIN)
        return false;
    if (s != TIPSTAFF_OK)
        failed(a, "the tool's session was lost before its result",
               tipstaff_message(a->runs));
    if (ev.kind != TIPSTAFF_ENDED)
        return false;
    note(a, DRILL_NOTE_ENDED, ev.reason.ptr, ev.reason.len);
    return true;
}

static void watch(const struct agent *a)
{
    bool acked = false, ended = false;

    while (!acked || !ended) {
        short events = POLLIN;
        struct pollfd p[2] = {
            {.fd = acked ? -1 : a->fd, .events = POLLIN},
            {.fd = ended ? -1 : tipstaff_fd(a->runs, &events)}};
        char byte;

        p[1].events = events;
        if (poll(p, 2, 60000) <= 0)
            failed(a, "the tool", "did not end within a minute");
        if (p[1].revents != 0)
            ended = tool_ended(a);
        if (p[0].revents != 0) {
            if (recv(a->fd, &byte, 1, 0) != 1)
                _exit(1); /* the parent has given up */
            next_call(a);
            acked = true;
        }
    }
}

/* The chain must open nothing any more. */
static void try_again(const struct agent *a)
{
    struct tipstaff *t;
    char text[TIPSTAFF_MESSAGE_MAX];

    if (open_session(a, &t, text) == TIPSTAFF_OK)
        failed(a, "a session after the acknowledgement", "was opened");
    if (strstr(text, "auth_failed") == NULL)
        failed(a, "a session after the acknowledgement was refused", text);
    note(a, DRILL_NOTE_SHUT, text, strlen(text));
}

_Noreturn void drill_agent(const struct drill *d, int fd)
{
    struct agent a = {.drill = d, .fd = fd};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!drill_path(d, "chain", a.chain) || !drill_path(d, "key", a.key))
        failed(&a, "$TMPDIR", "the path is too long");
    become(&a);
    start(&a);
    watch(&a);
    try_again(&a);
    tipstaff_close(a.runs);
    tipstaff_close(a.idle);
    _exit(0);
}
