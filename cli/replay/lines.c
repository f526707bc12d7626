#include "cli/replay/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_str.h"

#define STEP       ((size_t)4096)
#define LZMA_BYTES ((uint64_t)256 << 20) /* memory of a decoder */

struct reader {
    const char *path;
    int fd; /* owned */
    bool is_xz, is_open;
    lzma_stream lz;
    uint8_t raw[STEP];
    struct ts_buf held; /* what is not a whole line yet */
    size_t line;
    lines_seen seen;
    void *ctx;
};

static bool said(const struct reader *r, const char *what)
{
    char shown[512], text[256];

    (void)ts_str_show(shown, sizeof(shown), r->path, strlen(r->path));
    (void)ts_str_show(text, sizeof(text), what, strlen(what));
    cli_error("%s:%zu: %s", shown, r->line, text);
    return false;
}

static bool take(struct reader *r, const char *p, size_t len)
{
    json_error_t e;
    json_t *v;
    bool ok;

    if (r->line++ == 0 && len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3; /* some editors begin a file with it */
        len -= 3;
    }
    if (len > 0 && p[len - 1] == '\r')
        len--;
    if (len == 0)
        return true;
    v = json_loadb(p, len, JSON_REJECT_DUPLICATES, &e);
    if (v == NULL)
        return said(r, e.text);
    if (json_is_object(v))
        ok = r->seen(r->ctx, v, r->path, r->line);
    else
        ok = said(r, "one JSON object a line is expected");
    json_decref(v);
    return ok;
}

/* Every whole line of what is held; at the end also one without newline. */
static bool whole_lines(struct reader *r, bool is_end)
{
    for (;;) {
        const char *p = (const char *)ts_buf_bytes(&r->held);
        const char *nl = r->held.len > 0 ? memchr(p, '\n', r->held.len) : NULL;
        size_t len = nl != NULL ? (size_t)(nl - p) : r->held.len;

        if (nl == NULL && (!is_end || len == 0))
            return true;
        if (!take(r, p, len))
            return false;
        ts_buf_consume(&r->held, nl != NULL ? len + 1 : len);
    }
}

static bool hold(struct reader *r, const uint8_t *p, size_t len)
{
    if (ts_buf_append(&r->held, p, len) != TS_OK) {
        r->line++;
        return said(r, "the line is longer than 16 MiB, or memory is short");
    }
    return whole_lines(r, false);
}

static bool unpack(struct reader *r, size_t len, bool is_end, bool *ret_over)
{
    uint8_t out[STEP];

    r->lz.next_in = r->raw;
    r->lz.avail_in = len;
    do {
        lzma_ret e;

        r->lz.next_out = out;
        r->lz.avail_out = sizeof(out);
        e = lzma_code(&r->lz, is_end ? LZMA_FINISH : LZMA_RUN);
        if (!hold(r, out, sizeof(out) - r->lz.avail_out))
            return false;
        if (e == LZMA_STREAM_END) {
            *ret_over = true;
            return true;
        }
        if (e != LZMA_OK && e != LZMA_BUF_ERROR)
            return said(r, "not an xz file, or a damaged one");
        if (e == LZMA_BUF_ERROR && is_end)
            return said(r, "the xz file ends early");
    } while (is_end || r->lz.avail_in > 0 || r->lz.avail_out == 0);
    return true;
}

static bool read_all(struct reader *r)
{
    bool over = false;

    while (!over) {
        ssize_t n = read(r->fd, r->raw, sizeof(r->raw));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return said(r, strerror(errno));
        if (r->is_xz ? !unpack(r, (size_t)n, n == 0, &over)
                     : !hold(r, r->raw, (size_t)n))
            return false;
        over = over || n == 0;
    }
    return whole_lines(r, true);
}

static bool begin(struct reader *r)
{
    if (r->is_xz &&
        lzma_stream_decoder(&r->lz, LZMA_BYTES, LZMA_CONCATENATED) != LZMA_OK) {
        cli_error("out of memory");
        return false;
    }
    r->is_open = r->is_xz;
    return true;
}

bool lines_of(int fd, bool is_xz, const char *path, lines_seen seen, void *ctx)
{
    struct reader r = {.path = path,
                       .fd = fd,
                       .is_xz = is_xz,
                       .lz = LZMA_STREAM_INIT,
                       .seen = seen,
                       .ctx = ctx};
    bool ok;

    ts_buf_init(&r.held, LINES_LINE_MAX + STEP);
    ok = begin(&r) && read_all(&r);
    if (r.is_open)
        lzma_end(&r.lz);
    ts_buf_done(&r.held);
    ts_fd_close(&r.fd);
    return ok;
}

bool lines_each(const char *path, lines_seen seen, void *ctx)
{
    size_t n = strlen(path);
    struct reader r = {.path = path};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return said(&r, strerror(errno));
    return lines_of(fd, n > 3 && strcmp(path + n - 3, ".xz") == 0, path, seen,
                    ctx);
}
