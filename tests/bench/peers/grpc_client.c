/*
 * Asks a Cerbos server over gRPC on a Unix socket, one request at a time, and
 * prints the spread of its round trips as JSON. Just enough HTTP/2 for that:
 * literal headers, one stream after the other, a window that never fills.
 *
 *   grpc_client SOCKET PAYLOADS EXPECTED SECONDS
 *
 * PAYLOADS: messages, each after its length (uint32, little-endian). EXPECTED:
 * a line a message, "allow" or "deny".
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES_MAX 100000u
#define SAMPLES_MAX  4000000u
#define BUFFER       ((size_t)1 << 17)
#define FRAME_HEAD   9u
#define WARM_NS      500000000u

enum {
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_RST = 3,
    FRAME_SETTINGS = 4,
    FRAME_PING = 6,
    FRAME_GOAWAY = 7,
    FRAME_WINDOW = 8
};
#define FLAG_END 1u /* END_STREAM, or ACK */

struct message {
    uint8_t *bytes;
    uint32_t len;
    bool allow;
};

struct conn {
    int fd;
    uint32_t stream;
    size_t held;
    uint8_t in[BUFFER], out[BUFFER];
    bool allowed; /* by the answer read last */
};

static void die(const char *what)
{
    (void)fprintf(stderr, "grpc_client: %s\n", what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static size_t frame(uint8_t *p, uint32_t len, uint8_t type, uint8_t flags,
                    uint32_t stream)
{
    put32(p, len << 8);
    p[3] = type;
    p[4] = flags;
    put32(p + 5, stream);
    return FRAME_HEAD;
}

static void send_all(struct conn *c, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(c->fd, p, n);

        if (w <= 0)
            die("the server closed the connection");
        p += w;
        n -= (size_t)w;
    }
}

static void dial(struct conn *c, const char *path)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    uint8_t hello[64];
    size_t n = sizeof(preface) - 1;

    if (strlen(path) >= sizeof(a.sun_path))
        die("the socket's path is too long");
    memcpy(a.sun_path, path, strlen(path));
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
        die("cannot connect");
    c->stream = 1;
    memcpy(hello, preface, n);
    n += frame(hello + n, 6, FRAME_SETTINGS, 0, 0);
    hello[n++] = 0;
    hello[n++] = 4; /* INITIAL_WINDOW_SIZE of each stream */
    put32(hello + n, 1u << 20);
    n += 4;
    n += frame(hello + n, 4, FRAME_WINDOW, 0, 0);
    put32(hello + n, 0x7ffe0000u); /* of the connection */
    n += 4;
    send_all(c, hello, n);
}

static size_t literal(uint8_t *p, const char *s)
{
    size_t n = strlen(s);

    p[0] = (uint8_t)n; /* below 127: no Huffman, one byte of length */
    memcpy(p + 1, s, n);
    return n + 1;
}

static size_t headers(uint8_t *p)
{
    size_t n = 0;

    p[n++] = 0x83; /* :method POST */
    p[n++] = 0x86; /* :scheme http */
    p[n++] = 0x04; /* :path */
    n += literal(p + n, "/cerbos.svc.v1.CerbosService/CheckResources");
    p[n++] = 0x01; /* :authority */
    n += literal(p + n, "localhost");
    p[n++] = 0x0f; /* content-type */
    p[n++] = 0x10;
    n += literal(p + n, "application/grpc");
    p[n++] = 0x00;
    n += literal(p + n, "te");
    n += literal(p + n, "trailers");
    return n;
}

static void ask(struct conn *c, const struct message *m)
{
    uint8_t head[128];
    size_t h = headers(head), n;

    n = frame(c->out, (uint32_t)h, FRAME_HEADERS, 4, c->stream);
    memcpy(c->out + n, head, h);
    n += h;
    n += frame(c->out + n, m->len + 5, FRAME_DATA, FLAG_END, c->stream);
    c->out[n++] = 0; /* not compressed */
    put32(c->out + n, m->len);
    n += 4;
    memcpy(c->out + n, m->bytes, m->len);
    c->stream += 2;
    send_all(c, c->out, n + m->len);
}

/* The bytes of one protobuf field; false at the end or when it is damaged. */
static bool next_field(const uint8_t **p, const uint8_t *end, uint64_t *tag,
                       uint64_t *number, const uint8_t **body)
{
    uint64_t v[2] = {0, 0};

    for (int i = 0; i < 2; i++)
        for (unsigned shift = 0;; shift += 7) {
            if (*p == end || shift > 56)
                return false;
            v[i] |= (uint64_t)(**p & 127) << shift;
            if ((*(*p)++ & 128) == 0)
                break;
        }
    *tag = v[0];
    *number = v[1];
    *body = *p;
    if ((v[0] & 7) == 2) {
        if (v[1] > (uint64_t)(end - *p))
            return false;
        *p += v[1];
    }
    return (v[0] & 7) == 2 || (v[0] & 7) == 0;
}

/* CheckResourcesResponse.results[].actions: {name: effect}; ALLOW is 1. */
static bool allows(const uint8_t *p, const uint8_t *end, int depth)
{
    const uint8_t *body;
    uint64_t tag, number;
    bool found = false;

    while (next_field(&p, end, &tag, &number, &body)) {
        if (depth < 2 && tag == 2 * 8 + 2)
            found = found || allows(body, body + number, depth + 1);
        else if (depth == 2 && tag == 2 * 8)
            found = number == 1;
    }
    return found;
}

/* True when the frame ends the answer. */
static bool take(struct conn *c, const uint8_t *f, uint32_t len)
{
    uint8_t type = f[3], flags = f[4], ack[FRAME_HEAD + 8];

    if (type == FRAME_GOAWAY || type == FRAME_RST)
        die("the server refused a request");
    if (type == FRAME_SETTINGS && (flags & FLAG_END) == 0)
        send_all(c, ack, frame(ack, 0, FRAME_SETTINGS, FLAG_END, 0));
    if (type == FRAME_PING && (flags & FLAG_END) == 0 && len == 8) {
        (void)frame(ack, 8, FRAME_PING, FLAG_END, 0);
        memcpy(ack + FRAME_HEAD, f + FRAME_HEAD, 8);
        send_all(c, ack, sizeof(ack));
    }
    if (type == FRAME_DATA && len > 5)
        c->allowed = allows(f + FRAME_HEAD + 5, f + FRAME_HEAD + len, 0);
    return type == FRAME_HEADERS && (flags & FLAG_END) != 0;
}

static void await(struct conn *c)
{
    bool done = false;

    c->allowed = false;
    while (!done) {
        ssize_t r = read(c->fd, c->in + c->held, BUFFER - c->held);
        size_t at = 0;

        if (r <= 0)
            die("the server closed the connection");
        c->held += (size_t)r;
        while (c->held - at >= FRAME_HEAD) {
            const uint8_t *f = c->in + at;
            uint32_t len = (uint32_t)f[0] << 16 | (uint32_t)f[1] << 8 | f[2];

            if (len > BUFFER - FRAME_HEAD)
                die("a frame is too large");
            if (c->held - at < FRAME_HEAD + len)
                break;
            done = take(c, f, len) || done;
            at += FRAME_HEAD + len;
        }
        c->held -= at;
        memmove(c->in, c->in + at, c->held);
    }
}

static size_t load(const char *payloads, const char *expected,
                   struct message *list)
{
    FILE *f = fopen(payloads, "rb"), *g = fopen(expected, "r");
    uint8_t head[4];
    char line[64];
    size_t n = 0;

    if (f == NULL || g == NULL)
        die("the payloads cannot be read");
    while (n < MESSAGES_MAX && fread(head, 1, 4, f) == 4 &&
           fgets(line, sizeof(line), g) != NULL) {
        struct message *m = &list[n++];

        m->len = (uint32_t)head[0] | (uint32_t)head[1] << 8 |
                 (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
        m->allow = line[0] == 'a';
        if (m->len > BUFFER / 2 || (m->bytes = malloc(m->len)) == NULL ||
            fread(m->bytes, 1, m->len, f) != m->len)
            die("the payloads are damaged");
    }
    (void)fclose(f);
    (void)fclose(g);
    return n;
}

static int order(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
    struct message *list = calloc(MESSAGES_MAX, sizeof(*list));
    uint64_t *times = calloc(SAMPLES_MAX, sizeof(*times));
    struct conn *c = calloc(1, sizeof(*c));
    uint64_t start, t = 0, warm, end, wrong = 0;
    size_t n, k = 0;

    if (argc != 5 || list == NULL || times == NULL || c == NULL)
        die("usage: grpc_client SOCKET PAYLOADS EXPECTED SECONDS");
    if ((n = load(argv[2], argv[3], list)) == 0)
        die("no payloads");
    dial(c, argv[1]);
    warm = now_ns() + WARM_NS;
    end = warm + (uint64_t)(strtod(argv[4], NULL) * 1e9);
    for (size_t i = 0; k < SAMPLES_MAX; i++) {
        start = now_ns();
        if (start > end)
            break;
        ask(c, &list[i % n]);
        await(c);
        t = now_ns();
        wrong += c->allowed != list[i % n].allow;
        if (start > warm)
            times[k++] = t - start;
    }
    if (k == 0)
        die("too short a run");
    qsort(times, k, sizeof(*times), order);
    (void)printf("{\"p50_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64
                 ",\"each_ns\":%" PRIu64 ",\"decisions\":%zu,\"wrong\":%" PRIu64
                 "}\n",
                 times[k / 2], times[k * 99 / 100], (t - warm) / k, k, wrong);
    return 0;
}
