/*
 * tipstaff tail: the decision log as it is written, from the recorder's socket.
 * Everything that came from an agent is escaped before it meets the terminal.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/log/line.h"
#include "cli/opts.h"
#include "cli/term.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_fd.h"
#include "proto/msg/admin.h"
#include "proto/msg/record.h"
#include "proto/wire/frame.h"
#include "proto/wire/mp_read.h"

#define SOCKET_DEFAULT "/run/tipstaff/admin/log.sock"
#define LINES_DEFAULT  10
#define BODY_MAX       ((size_t)RECORD_LINE_MAX + 64)

struct tail {
    int fd;
    bool follow, follow_short, json;
    const char *tenant, *agent, *effect, *since, *socket, *format;
    uint64_t lines;
    struct ts_buf in;
    struct term term;
};

/* "2026-11-22T10:00:00Z" or "2026-11-22", UTC. */
static bool parse_time(const char *s, uint64_t *ret_s)
{
    struct tm tm = {0};
    const char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
    time_t t;

    if (end == NULL) {
        tm = (struct tm){0};
        end = strptime(s, "%Y-%m-%d", &tm);
        if (end == NULL || *end != '\0')
            return false;
    } else {
        if (*end == '.')
            end += 1 + strspn(end + 1, "0123456789");
        if (strcmp(end, "Z") != 0)
            return false;
    }
    t = timegm(&tm);
    *ret_s = (uint64_t)t;
    return t >= 0;
}

static bool since_ms(const char *s, uint64_t *ret)
{
    struct timespec now;
    uint64_t ago, at;

    if (cli_seconds(s, &ago)) {
        (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
        at = (uint64_t)now.tv_sec;
        *ret = (at > ago ? at - ago : 1) * 1000;
        return true;
    }
    if (!parse_time(s, &at))
        return false;
    *ret = at > 0 ? at * 1000 : 1;
    return true;
}

static bool connect_socket(struct tail *t)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(t->socket);

    if (n >= sizeof(a.sun_path)) {
        cli_error("the socket's path is longer than %zu bytes",
                  sizeof(a.sun_path) - 1);
        return false;
    }
    memcpy(a.sun_path, t->socket, n + 1);
    t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (t->fd >= 0 && connect(t->fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return true;
    cli_error("%s: %s; is the service running, and may this user read the "
              "log? (--socket PATH for another place)",
              t->socket, strerror(errno));
    return false;
}

static bool send_request(struct tail *t)
{
    struct admin_tail m = {.follow = t->follow || t->follow_short,
                           .last = t->lines,
                           .tenant = ts_str_of(t->tenant),
                           .agent = ts_str_of(t->agent),
                           .effect = ts_str_of(t->effect)};
    struct ts_buf out;
    ts_err e;

    if (t->since != NULL && !since_ms(t->since, &m.since_unix_ms)) {
        cli_error("--since is \"10m\", \"2h\" or a time like "
                  "2026-11-22T10:00:00Z");
        return false;
    }
    ts_buf_init(&out, 8192);
    e = admin_tail_send(&out, &m);
    if (e == TS_E_INVALID)
        cli_error("--effect is permit, forbid or pending; --tenant and --agent "
                  "are ids");
    else if (e != TS_OK)
        cli_error("the request could not be made: %s", ts_err_text(e));
    else if (send(t->fd, ts_buf_bytes(&out), out.len, MSG_NOSIGNAL) !=
             (ssize_t)out.len) {
        cli_error("%s: %s", t->socket, strerror(errno));
        e = TS_E_CLOSED;
    }
    ts_buf_done(&out);
    return e == TS_OK;
}

static bool print_line(struct tail *t, const struct frame *f)
{
    struct mp_reader r;
    struct ts_str line;
    json_t *j;

    mp_reader_init(&r, f->body, f->len);
    mp_read_tuple(&r, 2);
    (void)mp_read_uint(&r, 1);
    line = mp_read_str(&r, RECORD_LINE_MAX);
    if (mp_done(&r) != TS_OK)
        return false;
    if (t->json) {
        (void)fwrite(line.ptr, 1, line.len, stdout);
        (void)fputc('\n', stdout);
        return true;
    }
    j = log_line_parse(line);
    if (j == NULL)
        return false;
    log_line_print(&t->term, j);
    json_decref(j);
    return true;
}

static int refused(const struct frame *f)
{
    struct admin_fail m;
    const char *what;
    char text[512], code[128];

    if (admin_fail_decode(f->body, f->len, &m, &what) != TS_OK)
        return CLI_FAILED;
    (void)ts_str_show(code, sizeof(code), m.code.ptr, m.code.len);
    (void)ts_str_show(text, sizeof(text), m.text.ptr, m.text.len);
    cli_error("the recorder refused: %s (%s)", text, code);
    return CLI_FAILED;
}

/* Every whole frame that is here. -1: go on; otherwise the exit code. */
static int take_frames(struct tail *t)
{
    struct frame f;
    size_t used;

    for (;;) {
        ts_err e =
            frame_parse(ts_buf_bytes(&t->in), t->in.len, BODY_MAX, &f, &used);

        if (e == TS_E_TRUNCATED)
            return -1;
        if (e == TS_OK && f.type == ADMIN_TAIL_END)
            return CLI_OK;
        if (e == TS_OK && f.type == ADMIN_FAIL)
            return refused(&f);
        if (e != TS_OK || f.type != ADMIN_LINE || !print_line(t, &f)) {
            cli_error("the recorder sent something that is not a log line");
            return CLI_FAILED;
        }
        ts_buf_consume(&t->in, used);
    }
}

static int receive(struct tail *t)
{
    for (;;) {
        uint8_t *p;
        ssize_t n;
        int code = take_frames(t);

        if (code >= 0)
            return code;
        if (fflush(stdout) != 0)
            return CLI_FAILED; /* main() says so */
        if (ts_buf_reserve(&t->in, 65536, &p) != TS_OK) {
            cli_error("out of memory");
            return CLI_FAILED;
        }
        n = recv(t->fd, p, 65536, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            cli_error("the recorder closed the connection");
            return CLI_FAILED;
        }
        ts_buf_grew(&t->in, (size_t)n);
    }
}

static int run(struct tail *t)
{
    int code = CLI_FAILED;

    ts_buf_init(&t->in, BODY_MAX + TS_FRAME_HEAD + 65536);
    if (connect_socket(t) && send_request(t))
        code = receive(t);
    ts_buf_done(&t->in);
    ts_fd_close(&t->fd);
    return code;
}

int cmd_tail(int argc, char **argv)
{
    struct tail t = {.fd = -1,
                     .lines = UINT64_MAX,
                     .socket = SOCKET_DEFAULT,
                     .format = "line"};
    const struct cli_option options[] = {
        {"-f", NULL, "go on as records are written", CLI_FLAG, &t.follow,
         false},
        {"--follow", NULL, NULL, CLI_FLAG, &t.follow_short, false},
        {"-n", "N", "the last N records (10; with --since: all; 0: all)",
         CLI_NUMBER, &t.lines, false},
        {"--tenant", "ID", "only this tenant", CLI_TEXT, &t.tenant, false},
        {"--agent", "ID", "only this agent and agents below it", CLI_TEXT,
         &t.agent, false},
        {"--effect", "EFFECT", "only decisions: permit, forbid or pending",
         CLI_TEXT, &t.effect, false},
        {"--since", "TIME", "10m, 2h, or 2026-11-22T10:00:00Z", CLI_TEXT,
         &t.since, false},
        {"-o", "line|json", "rows for people (default) or the lines themselves",
         CLI_TEXT, &t.format, false},
        {"--socket", "PATH", "log.sock (" SOCKET_DEFAULT ")", CLI_TEXT,
         &t.socket, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff tail",
        .operands = "",
        .about = "Shows the decision log as it is written.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff tail -f --effect forbid\n"
                    "  tipstaff tail --since 10m -o json | jq .tool\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    t.json = strcmp(t.format, "json") == 0;
    if (!t.json && strcmp(t.format, "line") != 0) {
        cli_error("-o is line or json");
        return CLI_USAGE;
    }
    if (t.lines == UINT64_MAX)
        t.lines = t.since != NULL ? 0 : LINES_DEFAULT;
    t.term = term_stdout();
    return run(&t);
}
