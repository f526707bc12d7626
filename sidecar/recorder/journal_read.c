#include "sidecar/recorder/journal_read.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"

ts_err journal_reader_init(struct journal_reader *r, int fd, const uint8_t *key,
                           uint64_t end)
{
    *r = (struct journal_reader){
        .fd = fd, .end = end, .buf = ts_mem_alloc(JOURNAL_WINDOW)};
    r->walk.bytes = r->buf;
    r->walk.key = key;
    return r->buf != NULL ? TS_OK : TS_E_NOMEM;
}

void journal_reader_done(struct journal_reader *r)
{
    ts_mem_free(r->buf);
    *r = (struct journal_reader){.fd = -1};
}

uint64_t journal_reader_at(const struct journal_reader *r)
{
    return r->base + r->walk.at;
}

/* What is not read yet goes to the front, and the rest is filled up. */
static ts_err refill(struct journal_reader *r)
{
    size_t keep = r->walk.len - r->walk.at, want = JOURNAL_WINDOW - keep;
    uint64_t left = r->end - (r->base + r->walk.len);
    size_t done = 0;

    memmove(r->buf, r->buf + r->walk.at, keep);
    r->base += r->walk.at;
    r->walk.at = 0;
    r->walk.len = keep;
    if (want > left)
        want = (size_t)left;
    while (done < want) {
        ssize_t n = pread(r->fd, r->buf + keep + done, want - done,
                          (off_t)(r->base + keep + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ts_err_from_errno(errno);
        if (n == 0) /* shorter than it was: somebody else writes it */
            return TS_E_STATE;
        done += (size_t)n;
    }
    r->walk.len += done;
    return TS_OK;
}

ts_err journal_reader_next(struct journal_reader *r, struct journal_entry *ret)
{
    for (;;) {
        bool all = r->base + r->walk.len == r->end;
        ts_err e;

        r->walk.last = all;
        e = journal_next(&r->walk, ret);
        if ((e != TS_E_TRUNCATED && e != TS_E_AGAIN) || all)
            return e;
        e = refill(r);
        if (e != TS_OK)
            return e;
    }
}
