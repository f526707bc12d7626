/*
 * The floor: a bare libuv server on a Unix socket. Reads frames, answers each
 * with a frame of the length that the request's first four bytes ask for, one
 * uv_try_write per read. No allocation, no decoding.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "bench.h"

#define HEAD 5

static struct conn {
    uv_pipe_t pipe;
    size_t have;
    char in[1 << 20];
    char out[1 << 20];
} conns[64];
static size_t conn_count;

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *b)
{
    struct conn *c = h->data;

    (void)hint;
    *b = uv_buf_init(c->in + c->have, (unsigned)(sizeof(c->in) - c->have));
}

static size_t be32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;

    return (size_t)u[0] << 24 | (size_t)u[1] << 16 | (size_t)u[2] << 8 | u[3];
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct conn *c = s->data;
    size_t at = 0, out = 0;
    uv_buf_t w;

    (void)b;
    if (n < 0) {
        uv_close((uv_handle_t *)s, NULL);
        return;
    }
    c->have += (size_t)n;
    while (c->have - at >= HEAD + 4) {
        size_t len = be32(c->in + at), reply;

        if (c->have - at < HEAD + len)
            break;
        reply = be32(c->in + at + HEAD);
        memcpy(c->out + out, c->in + at, HEAD + 4);
        c->out[out] = (char)(reply >> 24);
        c->out[out + 1] = (char)(reply >> 16);
        c->out[out + 2] = (char)(reply >> 8);
        c->out[out + 3] = (char)reply;
        out += HEAD + reply;
        at += HEAD + len;
    }
    memmove(c->in, c->in + at, c->have - at);
    c->have -= at;
    w = uv_buf_init(c->out, (unsigned)out);
    if (out > 0 && uv_try_write(s, &w, 1) != (int)out)
        bench_die("short write");
}

static void on_connection(uv_stream_t *server, int status)
{
    struct conn *c = &conns[conn_count++ % 64];

    if (status != 0 || uv_pipe_init(server->loop, &c->pipe, 0) != 0 ||
        uv_accept(server, (uv_stream_t *)&c->pipe) != 0)
        bench_die("accept");
    c->have = 0;
    c->pipe.data = c;
    if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
        bench_die("read");
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_pipe_t server;

    if (argc != 2 || uv_pipe_init(loop, &server, 0) != 0 ||
        uv_pipe_bind(&server, argv[1]) != 0 ||
        uv_listen((uv_stream_t *)&server, 64, on_connection) != 0)
        bench_die("usage: echo_uv SOCKET");
    return uv_run(loop, UV_RUN_DEFAULT);
}
