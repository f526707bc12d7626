/*
 * Decision round trip beside a bare libuv echo of the same sizes, in the same
 * run, round by round in turn; then decisions per second. Prints one JSON
 * object. The processes that serve are pinned from here (as root, or when they
 * belong to the caller).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "proto/msg/client.h"

#define ROUNDS_MAX 64
#define SEQ_ROOM   8 /* bytes by which a later seq may be longer */

struct setup {
    const char *echo_socket, *gate_socket, *chain, *key, *tool, *arg, *value;
    pid_t echo_pid, gate_pid, recorder_pid;
    uid_t uid;
    gid_t gid;
    size_t rounds, per_round;
};

struct placement { /* processors */
    const char *suffix;
    int client, server, recorder;
};

static void as_root(void)
{
    if (seteuid(0) != 0 && geteuid() != getuid())
        bench_die("seteuid");
}

static void as_agent(const struct setup *s)
{
    if (s->uid != 0 && geteuid() != s->uid && seteuid(s->uid) != 0)
        bench_die("seteuid agent");
}

static void place(const struct setup *s, const struct placement *p)
{
    as_root();
    bench_pin(0, p->client);
    bench_pin(s->echo_pid, p->server);
    bench_pin(s->gate_pid, p->server);
    bench_pin(s->recorder_pid, p->recorder);
    as_agent(s);
}

/* An echo request of req bytes in all that asks for a reply of reply bytes. */
static void echo_request(uint8_t *out, size_t req, size_t reply)
{
    size_t body = req - TS_FRAME_HEAD, answer = reply - TS_FRAME_HEAD;

    memset(out, 0x2a, req);
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(body >> (24 - 8 * i));
        out[TS_FRAME_HEAD + i] = (uint8_t)(answer >> (24 - 8 * i));
    }
}

/* One write, and one read as long as the reply comes in one piece. */
static uint64_t round_trip(int fd, const uint8_t *req, size_t n, size_t *reply)
{
    static uint8_t frame[TS_FRAME_HEAD + TS_FRAME_MAX];
    uint64_t t0 = bench_now_ns();
    size_t len;

    bench_write(fd, req, n);
    len = bench_read_whole(fd, frame, sizeof(frame));
    if (reply != NULL)
        *reply = len;
    return bench_now_ns() - t0;
}

/* The requests of one round, encoded before it: between two round trips the
 * client does the same for the gate as for the echo, which is nothing. */
struct requests {
    uint8_t *bytes;
    size_t *len; /* of each */
    size_t stride;
};

static void encode_round(const struct setup *s, struct requests *r,
                         uint64_t *seq)
{
    for (size_t i = 0; i < s->per_round; i++)
        r->len[i] = bench_check(r->bytes + i * r->stride, r->stride, (*seq)++,
                                s->tool, s->arg, s->value);
}

struct lane {
    int echo, gate;
    uint64_t seq;
    size_t req_len, reply_len;
};

static void measure(const struct setup *s, struct lane *l,
                    const struct placement *p)
{
    static uint8_t echo[16384];
    struct bench_series e_all = {0}, g_all = {0};
    double p50[ROUNDS_MAX], p99[ROUNDS_MAX];
    struct requests req = {.stride = l->req_len + SEQ_ROOM};

    req.bytes = calloc(s->per_round, req.stride);
    req.len = calloc(s->per_round, sizeof(*req.len));
    if (req.bytes == NULL || req.len == NULL)
        bench_die("memory");
    place(s, p);
    for (size_t r = 0; r < s->rounds; r++) {
        struct bench_series e = {0}, g = {0};

        echo_request(echo, l->req_len, l->reply_len);
        for (size_t i = 0; i < s->per_round; i++)
            bench_series_add(&e, round_trip(l->echo, echo, l->req_len, NULL));
        encode_round(s, &req, &l->seq);
        for (size_t i = 0; i < s->per_round; i++)
            bench_series_add(&g, round_trip(l->gate, req.bytes + i * req.stride,
                                            req.len[i], NULL));
        p50[r] = bench_quantile_us(&g, 0.5) / bench_quantile_us(&e, 0.5);
        p99[r] = bench_quantile_us(&g, 0.99) / bench_quantile_us(&e, 0.99);
        for (size_t i = 0; i < e.n; i++)
            bench_series_add(&e_all, e.v[i]);
        for (size_t i = 0; i < g.n; i++)
            bench_series_add(&g_all, g.v[i]);
        free(e.v);
        free(g.v);
    }
    free(req.bytes);
    free(req.len);
    printf(" \"echo%s_p50_us\": %.2f, \"echo%s_p99_us\": %.2f,\n", p->suffix,
           bench_quantile_us(&e_all, 0.5), p->suffix,
           bench_quantile_us(&e_all, 0.99));
    printf(" \"decision%s_p50_us\": %.2f, \"decision%s_p99_us\": %.2f,\n",
           p->suffix, bench_quantile_us(&g_all, 0.5), p->suffix,
           bench_quantile_us(&g_all, 0.99));
    printf(" \"decision_over_echo%s_p50\": %.3f,\n", p->suffix,
           bench_median(p50, s->rounds));
    printf(" \"decision_over_echo%s_p99\": %.3f,\n", p->suffix,
           bench_median(p99, s->rounds));
}

/* conns connections, each with depth requests in flight, for about a second */
static double rate(const struct setup *s, size_t conns, size_t depth,
                   double seconds)
{
    static uint8_t batch[16 * 16384], body[TS_FRAME_MAX];
    int fd[16];
    uint64_t seq[16], t0, done = 0, budget = (uint64_t)(seconds * 1e9);

    as_agent(s);
    for (size_t c = 0; c < conns; c++) {
        fd[c] = bench_session(s->gate_socket, s->chain, s->key);
        seq[c] = 1;
    }
    t0 = bench_now_ns();
    while (bench_now_ns() - t0 < budget) {
        for (size_t c = 0; c < conns; c++) {
            size_t n = 0;

            for (size_t d = 0; d < depth; d++)
                n += bench_check(batch + n, sizeof(batch) - n, seq[c]++,
                                 s->tool, s->arg, s->value);
            bench_write(fd[c], batch, n);
        }
        for (size_t c = 0; c < conns; c++)
            for (size_t d = 0; d < depth; d++, done++) {
                size_t len;
                if (bench_read_frame(fd[c], body, sizeof(body), &len) !=
                    MSG_CHECKED)
                    bench_die("expected CHECKED");
            }
    }
    budget = bench_now_ns() - t0;
    for (size_t c = 0; c < conns; c++)
        (void)close(fd[c]);
    return (double)done / ((double)budget / 1e9);
}

static const char *must(int argc, char **argv, const char *name)
{
    const char *v = bench_option(argc, argv, name);

    if (v == NULL) {
        (void)fprintf(stderr, "bench_decision: --%s is missing\n", name);
        exit(2);
    }
    return v;
}

static void read_setup(int argc, char **argv, struct setup *s)
{
    *s = (struct setup){
        .echo_socket = must(argc, argv, "echo"),
        .gate_socket = must(argc, argv, "gate"),
        .chain = must(argc, argv, "chain"),
        .key = must(argc, argv, "key"),
        .tool = must(argc, argv, "tool"),
        .arg = must(argc, argv, "arg"),
        .value = must(argc, argv, "value"),
        .echo_pid = (pid_t)strtol(must(argc, argv, "echo-pid"), NULL, 10),
        .gate_pid = (pid_t)strtol(must(argc, argv, "gate-pid"), NULL, 10),
        .recorder_pid =
            (pid_t)strtol(must(argc, argv, "recorder-pid"), NULL, 10),
        .uid = (uid_t)strtoul(must(argc, argv, "uid"), NULL, 10),
        .gid = (gid_t)strtoul(must(argc, argv, "gid"), NULL, 10),
        .rounds = strtoul(must(argc, argv, "rounds"), NULL, 10),
        .per_round = strtoul(must(argc, argv, "per-round"), NULL, 10)};
    if (s->rounds == 0 || s->rounds > ROUNDS_MAX || s->per_round == 0)
        bench_die("rounds");
}

int main(int argc, char **argv)
{
    static const size_t shape[][2] = {{1, 1}, {1, 16}, {16, 1}, {16, 16}};
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const struct placement same = {"", 0, 0, cpus > 1 ? 1 : 0};
    const struct placement cross = {"_xcore", 0, 1, 1};
    static uint8_t req[16384];
    struct setup s;
    struct lane l = {.seq = 1};

    read_setup(argc, argv, &s);
    /* Real and effective ids of the agent, root kept to pin with. */
    if (s.uid != 0 && geteuid() == 0 &&
        (setresgid(s.gid, s.gid, 0) != 0 || setresuid(s.uid, s.uid, 0) != 0))
        bench_die("setresuid");
    l.echo = bench_connect(s.echo_socket);
    l.gate = bench_session(s.gate_socket, s.chain, s.key);
    l.req_len = bench_check(req, sizeof(req), l.seq++, s.tool, s.arg, s.value);
    (void)round_trip(l.gate, req, l.req_len, &l.reply_len);
    printf("{\"request_bytes\": %zu, \"reply_bytes\": %zu, \"rounds\": %zu,\n",
           l.req_len, l.reply_len, s.rounds);
    measure(&s, &l, &same);
    if (cpus > 1)
        measure(&s, &l, &cross);
    place(&s, &(struct placement){"", 0, cpus > 1 ? 1 : 0, 0});
    printf(" \"decisions_per_s\": {");
    for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++)
        printf("%s\"%zux%zu\": %.0f", i > 0 ? ", " : "", shape[i][0],
               shape[i][1],
               rate(&s, shape[i][0], shape[i][1], s.rounds > 8 ? 2.0 : 0.7));
    printf("}}\n");
    return 0;
}
