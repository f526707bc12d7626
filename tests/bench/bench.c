#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "proto/base/ts_buf.h"
#include "proto/msg/client.h"
#include "proto/trust/delegation.h"
#include "proto/trust/handshake.h"
#include "proto/wire/frame.h"
#include "proto/wire/mp_write.h"

uint64_t bench_now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bench_die(const char *what)
{
    (void)fprintf(stderr, "bench: %s (%s)\n", what, strerror(errno));
    exit(1);
}

void bench_pin(pid_t pid, int cpu)
{
    cpu_set_t s;

    CPU_ZERO(&s);
    for (size_t i = 0; i < CPU_SETSIZE && cpu < 0; i++)
        CPU_SET(i, &s);
    if (cpu >= 0)
        CPU_SET((size_t)cpu, &s);
    if (sched_setaffinity(pid, sizeof(s), &s) != 0)
        bench_die("sched_setaffinity");
}

void bench_series_add(struct bench_series *s, uint64_t ns)
{
    if (s->n == s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 4096;
        s->v = realloc(s->v, s->cap * sizeof(s->v[0]));
        if (s->v == NULL)
            bench_die("memory");
    }
    s->v[s->n++] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static int by_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

double bench_quantile_us(struct bench_series *s, double q)
{
    if (s->n == 0)
        bench_die("empty series");
    qsort(s->v, s->n, sizeof(s->v[0]), by_u32);
    return s->v[(size_t)(q * (double)(s->n - 1))] / 1000.0;
}

static int by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *v, size_t n)
{
    qsort(v, n, sizeof(v[0]), by_double);
    return v[n / 2];
}

int bench_connect(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
        bench_die("socket");
    memcpy(a.sun_path, path, strlen(path));
    if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
        bench_die(path);
    return fd;
}

void bench_write(int fd, const void *p, size_t n)
{
    const char *c = p;

    while (n > 0) {
        ssize_t w = write(fd, c, n);

        if (w <= 0)
            bench_die("write");
        c += w;
        n -= (size_t)w;
    }
}

static void read_exact(int fd, uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t r = read(fd, p, n);

        if (r <= 0)
            bench_die("the server closed the connection");
        p += r;
        n -= (size_t)r;
    }
}

uint8_t bench_read_frame(int fd, uint8_t *buf, size_t cap, size_t *ret_len)
{
    uint8_t head[TS_FRAME_HEAD];
    size_t len;

    read_exact(fd, head, sizeof(head));
    len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 |
          head[3];
    if (len > cap)
        bench_die("frame too long");
    read_exact(fd, buf, len);
    *ret_len = len;
    return head[4];
}

size_t bench_read_whole(int fd, uint8_t *buf, size_t cap)
{
    size_t have = 0, need = TS_FRAME_HEAD;

    while (have < need) {
        ssize_t r = read(fd, buf + have, cap - have);

        if (r <= 0)
            bench_die("the server closed the connection");
        have += (size_t)r;
        if (have >= TS_FRAME_HEAD)
            need =
                TS_FRAME_HEAD + ((size_t)buf[0] << 24 | (size_t)buf[1] << 16 |
                                 (size_t)buf[2] << 8 | buf[3]);
        if (need > cap || have > need)
            bench_die("not the one frame that was expected");
    }
    return have;
}

static size_t read_file(const char *path, uint8_t *buf, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, buf, cap) : -1;

    if (n < 0)
        bench_die(path);
    (void)close(fd);
    return (size_t)n;
}

int bench_session(const char *socket_path, const char *chain_file,
                  const char *key_file)
{
    static uint8_t body[TS_FRAME_MAX], chain[TS_CHAIN_MAX];
    uint8_t seed[TRUST_SEED_LEN];
    struct handshake_auth auth = {.chain = {chain, 0}};
    struct handshake_transcript t;
    struct handshake_hello hello;
    struct trust_secret key;
    struct ts_buf out;
    static bool ready; /* its self-test is no part of a connection */
    const char *what = "";
    size_t n;
    int fd;

    if (!ready && trust_init() != TS_OK)
        bench_die("libsodium");
    ready = true;
    if (read_file(key_file, seed, sizeof(seed)) != sizeof(seed) ||
        trust_secret_from_seed(seed, &key) != TS_OK)
        bench_die("key");
    auth.chain.len = read_file(chain_file, chain, sizeof(chain));
    fd = bench_connect(socket_path);
    if (bench_read_frame(fd, body, sizeof(body), &n) != MSG_HELLO ||
        handshake_hello_decode(body, n, &hello, &what) != TS_OK)
        bench_die("HELLO");
    randombytes_buf(auth.client_nonce, sizeof(auth.client_nonce));
    t = (struct handshake_transcript){
        .sidecar_id = hello.sidecar_id, .uid = geteuid(), .gid = getegid()};
    memcpy(t.challenge, hello.challenge, sizeof(t.challenge));
    memcpy(t.client_nonce, auth.client_nonce, sizeof(t.client_nonce));
    memcpy(t.sidecar_pk, hello.sidecar_pk, sizeof(t.sidecar_pk));
    delegation_chain_hash(chain, auth.chain.len, t.chain_hash);
    handshake_client_proof(&t, &key, auth.proof);
    trust_secret_done(&key);
    ts_buf_init(&out, TS_FRAME_MAX);
    if (handshake_auth_send(&out, MSG_AUTH, &auth) != TS_OK)
        bench_die("AUTH");
    bench_write(fd, ts_buf_bytes(&out), out.len);
    ts_buf_done(&out);
    if (bench_read_frame(fd, body, sizeof(body), &n) != MSG_WELCOME)
        bench_die("the handshake was refused");
    return fd;
}

static size_t one_arg(uint8_t *buf, size_t cap, const char *arg,
                      const char *value)
{
    struct mp_writer w;
    size_t n;

    mp_writer_init(&w, buf, cap);
    mp_write_map(&w, arg != NULL ? 1 : 0);
    if (arg != NULL) {
        mp_write_cstr(&w, arg);
        mp_write_cstr(&w, value);
    }
    if (mp_written(&w, &n) != TS_OK)
        bench_die("arguments");
    return n;
}

static size_t take(struct ts_buf *b, uint8_t *out, size_t cap)
{
    size_t n = b->len;

    if (n > cap)
        bench_die("frame buffer");
    memcpy(out, ts_buf_bytes(b), n);
    ts_buf_done(b);
    return n;
}

size_t bench_call(uint8_t *out, size_t cap, uint64_t seq, const char *tool,
                  const char *arg, const char *value)
{
    uint8_t args[4096];
    struct msg_call m = {.seq = seq, .tool = ts_str_of(tool)};
    struct ts_buf b;

    randombytes_buf(m.call_id, sizeof(m.call_id));
    m.args.ptr = args;
    m.args.len = one_arg(args, sizeof(args), arg, value);
    ts_buf_init(&b, TS_FRAME_MAX);
    if (msg_call_send(&b, &m) != TS_OK)
        bench_die("CALL");
    return take(&b, out, cap);
}

size_t bench_check(uint8_t *out, size_t cap, uint64_t seq, const char *tool,
                   const char *arg, const char *value)
{
    uint8_t items[8192], args[4096];
    struct msg_check m = {.seq = seq, .count = 1};
    struct mp_writer w;
    struct ts_buf b;
    size_t n = one_arg(args, sizeof(args), arg, value);

    mp_writer_init(&w, items, sizeof(items));
    mp_write_array(&w, 1);
    mp_write_array(&w, 2);
    mp_write_cstr(&w, tool);
    mp_write_raw(&w, args, n);
    m.items.ptr = items;
    if (mp_written(&w, &m.items.len) != TS_OK)
        bench_die("items");
    ts_buf_init(&b, TS_FRAME_MAX);
    if (msg_check_send(&b, &m) != TS_OK)
        bench_die("CHECK");
    return take(&b, out, cap);
}

const char *bench_option(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0)
            return argv[i + 1];
    return NULL;
}
