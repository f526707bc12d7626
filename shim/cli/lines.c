#include "shim/cli/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE ((size_t)65536)

void lines_init(struct lines *l)
{
    *l = (struct lines){.used = 0};
    ts_buf_init(&l->buf, LINES_MAX + READ_SIZE);
}

void lines_done(struct lines *l)
{
    ts_buf_done(&l->buf);
}

ts_err lines_read(struct lines *l)
{
    uint8_t *to;
    ssize_t n;
    ts_err e;

    ts_buf_consume(&l->buf, l->used);
    l->used = 0;
    if (l->buf.len > LINES_MAX)
        return TS_E_LIMIT;
    e = ts_buf_reserve(&l->buf, READ_SIZE, &to);
    if (e != TS_OK)
        return e;
    n = read(STDIN_FILENO, to, READ_SIZE);
    if (n > 0)
        ts_buf_grew(&l->buf, (size_t)n);
    else if (n == 0)
        l->ended = true;
    else if (errno != EINTR && errno != EAGAIN)
        return ts_err_from_errno(errno);
    return TS_OK;
}

bool lines_next(struct lines *l, struct ts_str *ret)
{
    const char *start, *nl;
    size_t len;

    ts_buf_consume(&l->buf, l->used);
    l->used = 0;
    start = (const char *)ts_buf_bytes(&l->buf);
    if (l->buf.len == 0)
        return false;
    nl = memchr(start + l->scanned, '\n', l->buf.len - l->scanned);
    if (nl == NULL && !l->ended) {
        l->scanned = l->buf.len;
        return false;
    }
    len = nl != NULL ? (size_t)(nl - start) : l->buf.len;
    l->used = nl != NULL ? len + 1 : len;
    l->scanned = 0;
    *ret = (struct ts_str){.ptr = start, .len = len};
    return true;
}
