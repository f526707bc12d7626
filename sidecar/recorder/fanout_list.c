/* What is revoked, from the journal: the newest entry of every key. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "proto/base/ts_fd.h"
#include "sidecar/recorder/fanout.h"

ts_err list_begin(struct fanout *f, struct tail_client *c,
                  const struct admin_list *m, uint64_t now_s)
{
    struct list_cursor at = {.fd = fcntl(f->journal->fd, F_DUPFD_CLOEXEC, 3),
                             .reader = {.fd = -1},
                             .asked_seq = f->journal->place.seq,
                             .now_s = now_s};
    ts_err e = at.fd >= 0 ? TS_OK : ts_err_from_errno(errno);

    if (e == TS_OK)
        e = journal_reader_init(&at.reader, at.fd, f->journal->key,
                                f->journal->size);
    if (e != TS_OK) {
        list_end(&at);
        return e;
    }
    if (m->tenant.len > 0) /* the decoder limits it */
        memcpy(c->filter.tenant, m->tenant.ptr, m->tenant.len);
    c->filter.tenant[m->tenant.len] = '\0';
    c->list = at;
    c->state = TAIL_LIST;
    return TS_OK;
}

void list_end(struct list_cursor *c)
{
    ts_fd_close(&c->fd);
    if (c->reader.buf != NULL)
        journal_reader_done(&c->reader);
}

/* Of an entry that was replaced after the client asked the older form is told:
 * the newer one may stand in a file that it does not read. */
static bool is_listed(const struct fanout *f, const struct tail_client *c,
                      const struct journal_entry *e)
{
    uint64_t newest = journal_index_get(&f->journal->index, &e->as);

    return e->as.type == JOURNAL_REVOCATION &&
           e->as.keep_until > c->list.now_s &&
           (newest == e->seq || newest > c->list.asked_seq) &&
           (c->filter.tenant[0] == '\0' ||
            ts_str_eq_c(e->as.tenant, c->filter.tenant)) &&
           tail_scope_has(&c->filter.scope, e->as.tenant);
}

ts_err list_step(struct fanout *f, struct tail_client *c, size_t out_high)
{
    uint64_t stop = journal_reader_at(&c->list.reader) + FANOUT_READ;
    struct journal_entry entry;
    ts_err e = TS_OK;

    while (e == TS_OK && c->out.len < out_high &&
           journal_reader_at(&c->list.reader) < stop) {
        e = journal_reader_next(&c->list.reader, &entry);
        if (e == TS_OK && is_listed(f, c, &entry))
            e = admin_entry_send(&c->out, &(struct admin_entry){
                                              .type = entry.as.type,
                                              .tenant = entry.as.tenant,
                                              .keep_until = entry.as.keep_until,
                                              .payload = entry.as.payload});
    }
    return e;
}
