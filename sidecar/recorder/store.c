#include "sidecar/recorder/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/msg/record.h"
#include "proto/wire/mp_write.h"
#include "sidecar/recorder/restart.h"

#define BATCH_CAP       ((size_t)STORE_BATCH + (size_t)2 * RECORD_LINE_MAX)
#define OPEN_PER_LINE   256u /* launches named in one "segment" line */
#define OWN_RECORD_MAX  ((size_t)OPEN_PER_LINE * 640 + 256)
#define LOST_RECORD_MAX 1024u

static const char lost_text[] =
    "a process of the sidecar ended before the outcome was known; the tool was "
    "killed";

bool store_has_room(const struct store *s)
{
    return s->out.len <= STORE_BATCH;
}

/* The time of a line: never before the line before it. */
static uint64_t next_us(struct store *s, uint64_t unix_us)
{
    if (unix_us > s->last_us)
        s->last_us = unix_us;
    return s->last_us;
}

static ts_err add_line(struct store *s, const struct record *r,
                       uint64_t unix_us)
{
    return line_append(&s->out, &s->chain, r, next_us(s, unix_us));
}

ts_err store_add(struct store *s, const struct record *r, bool launched,
                 uint64_t unix_us)
{
    ts_err e = TS_OK;

    if (launched)
        e = open_add(&s->open, r->id, r->tenant, r->user, r->agent, r->tool);
    else if (r->kind == RECORD_EXEC_ENDED)
        e = open_remove(&s->open, r->id);
    return e == TS_OK ? add_line(s, r, unix_us) : e;
}

/* A record of ours, through the same checks as one of the gate. */
static ts_err add_own(struct store *s, const struct mp_writer *w,
                      uint64_t unix_us)
{
    const char *what;
    struct record r;
    size_t len = 0;
    ts_err e = mp_written(w, &len);

    if (e == TS_OK)
        e = record_parse(w->buf, len, true, &r, &what);
    if (e == TS_OK)
        e = add_line(s, &r, unix_us);
    return e;
}

static void write_pair(struct mp_writer *w, const char *key, const char *value)
{
    mp_write_cstr(w, key);
    mp_write_cstr(w, value);
}

ts_err store_note(struct store *s, const char *kind,
                  const struct store_member members[STORE_MEMBERS],
                  uint64_t unix_us)
{
    uint8_t buf[1024];
    struct mp_writer w;
    uint32_t n = 0;

    while (n < STORE_MEMBERS && members[n].key != NULL)
        n++;
    mp_writer_init(&w, buf, sizeof(buf));
    mp_write_map(&w, 1 + n);
    write_pair(&w, "kind", kind);
    for (uint32_t i = 0; i < n; i++) {
        mp_write_cstr(&w, members[i].key);
        if (members[i].text != NULL)
            mp_write_cstr(&w, members[i].text);
        else
            mp_write_uint(&w, members[i].number);
    }
    return add_own(s, &w, unix_us);
}

void store_journal_is(struct store *s, uint64_t seq)
{
    s->journal = seq;
    s->chain.journal = seq;
}

static ts_err add_lost(struct store *s, uint32_t i, uint64_t unix_us)
{
    const struct open_launch *l = &s->open.names[i];
    uint8_t buf[LOST_RECORD_MAX];
    struct mp_writer w;

    mp_writer_init(&w, buf, sizeof(buf));
    mp_write_map(&w, 9);
    write_pair(&w, "kind", "exec_ended");
    mp_write_cstr(&w, "id");
    mp_write_bin(&w, s->open.ids[i], 16);
    write_pair(&w, "tenant", l->tenant);
    write_pair(&w, "user", l->user);
    write_pair(&w, "agent", l->agent);
    write_pair(&w, "tool", l->tool);
    write_pair(&w, "reason", "lost");
    write_pair(&w, "code", "internal");
    write_pair(&w, "text", lost_text);
    return add_own(s, &w, unix_us);
}

ts_err store_close_open(struct store *s, uint64_t unix_us)
{
    ts_err e = TS_OK;

    while (s->open.count > 0 && e == TS_OK) {
        if (!store_has_room(s))
            e = store_commit(s, unix_us);
        if (e == TS_OK)
            e = add_lost(s, s->open.count - 1, unix_us);
        if (e == TS_OK)
            s->open.count--;
    }
    return e;
}

/* "segment" lines: where the log came from and which launches are open, so
 * that a restart needs this file alone. */
static ts_err add_segment_line(struct store *s, const char *previous,
                               uint32_t part, uint32_t parts, uint8_t *buf,
                               uint64_t unix_us)
{
    uint32_t from = (part - 1) * OPEN_PER_LINE;
    uint32_t n = s->open.count - from;
    struct mp_writer w;

    if (n > OPEN_PER_LINE)
        n = OPEN_PER_LINE;
    mp_writer_init(&w, buf, OWN_RECORD_MAX);
    mp_write_map(&w, 6);
    write_pair(&w, "kind", "segment");
    write_pair(&w, "sidecar", s->settings.sidecar);
    write_pair(&w, "previous", previous);
    mp_write_cstr(&w, "part");
    mp_write_uint(&w, part);
    mp_write_cstr(&w, "parts");
    mp_write_uint(&w, parts);
    mp_write_cstr(&w, "open");
    mp_write_array(&w, n);
    for (uint32_t i = from; i < from + n; i++) {
        const struct open_launch *l = &s->open.names[i];

        mp_write_array(&w, 5);
        mp_write_bin(&w, s->open.ids[i], 16);
        mp_write_cstr(&w, l->tenant);
        mp_write_cstr(&w, l->user);
        mp_write_cstr(&w, l->agent);
        mp_write_cstr(&w, l->tool);
    }
    return add_own(s, &w, unix_us);
}

static ts_err add_segment_lines(struct store *s, const char *previous,
                                uint64_t unix_us)
{
    uint32_t parts = (s->open.count + OPEN_PER_LINE - 1) / OPEN_PER_LINE;
    uint8_t *buf = ts_mem_alloc(OWN_RECORD_MAX);
    ts_err e = buf != NULL ? TS_OK : TS_E_NOMEM;

    s->chain.journal = s->journal;
    if (parts == 0)
        parts = 1;
    for (uint32_t part = 1; part <= parts && e == TS_OK; part++)
        e = add_segment_line(s, previous, part, parts, buf, unix_us);
    ts_mem_free(buf);
    return e;
}

/*
 * A new segment. The old one is closed, and durable, only when the first lines
 * of the new one are written. Without room for that the old one goes on.
 */
static ts_err rotate(struct store *s, uint64_t unix_us)
{
    const struct chain before = s->chain;
    struct segment next = {.fd = -1};
    char previous[SEGMENT_NAME];
    ts_err e = store_sync(s);

    if (e != TS_OK)
        return e;
    segment_name(previous, s->segment.first_seq);
    e = segment_create(s->settings.log_dir, s->chain.last_seq + 1, &next);
    if (e == TS_E_NO_SPACE || e == TS_E_EXISTS)
        return TS_OK; /* tried again after the next batch */
    if (e == TS_OK)
        e = add_segment_lines(s, previous, unix_us);
    if (e == TS_OK)
        e = segment_write(&next, s->out.buf, s->out.len);
    s->out.len = 0;
    if (e == TS_OK)
        e = segment_sync(&next);
    if (e != TS_OK) {
        char name[SEGMENT_NAME];

        s->chain = before;
        segment_name(name, next.first_seq);
        ts_fd_close(&next.fd);
        /* If it stays, a restart removes it, as long as it is the newest. */
        (void)unlinkat(s->settings.log_dir, name, 0);
        return e == TS_E_NO_SPACE ? TS_OK : e;
    }
    e = segment_close(&s->segment);
    s->segment = next;
    return e;
}

ts_err store_sync(struct store *s)
{
    ts_err e;

    if (!s->unsynced)
        return TS_OK;
    e = segment_sync(&s->segment);
    if (e == TS_OK)
        s->unsynced = false;
    return e;
}

ts_err store_write(struct store *s, uint64_t unix_us)
{
    ts_err e;

    if (s->out.len == 0)
        return TS_OK;
    e = segment_write(&s->segment, s->out.buf, s->out.len);
    if (e == TS_E_NO_SPACE && s->reserve.held) {
        s->no_space = true;
        e = reserve_release(&s->reserve, &s->segment);
        if (e == TS_OK)
            e = segment_write(&s->segment, s->out.buf, s->out.len);
    }
    if (e != TS_OK)
        return e;
    s->out.len = 0;
    s->unsynced = true;
    if (!s->no_space && s->segment.size >= s->settings.segment_bytes)
        e = rotate(s, unix_us);
    return e;
}

ts_err store_commit(struct store *s, uint64_t unix_us)
{
    ts_err e = store_write(s, unix_us);

    return e == TS_OK && s->settings.sync ? store_sync(s) : e;
}

void store_try_recover(struct store *s)
{
    if (s->no_space && reserve_hold(&s->reserve) == TS_OK)
        s->no_space = false;
}

/* The file to write to: the last one, or the first of all. */
static ts_err begin_segment(struct store *s, const struct restart *at)
{
    s->chain = at->chain;
    if (!at->has_segment)
        return segment_create(s->settings.log_dir, 1, &s->segment);
    return segment_reopen(s->settings.log_dir, at->first_seq, at->size,
                          &s->segment);
}

ts_err store_begin(struct store *s, uint64_t unix_us)
{
    char name[SEGMENT_NAME];
    const struct store_member members[STORE_MEMBERS] = {
        {.key = "segment", .text = name},
        {.key = "bytes", .number = s->cut_bytes}};
    ts_err e = TS_OK;

    segment_name(name, s->cut_segment);
    if (s->cut_bytes > 0)
        e = store_note(s, "truncation", members, unix_us);
    if (e == TS_OK)
        e = store_close_open(s, unix_us);
    if (e == TS_OK)
        e = store_commit(s, unix_us);
    if (e == TS_OK)
        s->cut_bytes = 0;
    return e;
}

static ts_err allocate(struct store *s)
{
    s->out.buf = ts_mem_alloc(BATCH_CAP);
    s->out.cap = BATCH_CAP;
    return s->out.buf != NULL ? open_init(&s->open) : TS_E_NOMEM;
}

ts_err store_open(const struct store_settings *settings, struct store *ret,
                  char *reterr_text, size_t reterr_cap)
{
    struct store s = {.settings = *settings, .segment = {.fd = -1}};
    struct restart at;
    ts_err e = allocate(&s);

    s.reserve = (struct reserve){.dir_fd = settings->log_dir,
                                 .bytes = settings->reserve_bytes};
    (void)snprintf(reterr_text, reterr_cap, "%s", ts_err_text(e));
    if (e == TS_OK)
        e = restart_scan(settings->log_dir, &s.open, &at, reterr_text,
                         reterr_cap);
    if (e != TS_OK) {
        store_done(&s);
        return e;
    }
    e = begin_segment(&s, &at);
    if (e == TS_OK) {
        e = reserve_hold(&s.reserve);
        s.no_space = e == TS_E_NO_SPACE;
        if (s.no_space)
            e = TS_OK; /* served as with a full disk until there is room */
    }
    s.found_journal = at.journal;
    s.cut_bytes = at.cut_bytes;
    s.cut_segment = at.first_seq;
    memcpy(s.found_sidecar, at.sidecar, sizeof(at.sidecar));
    if (e != TS_OK) {
        (void)snprintf(reterr_text, reterr_cap,
                       "the log cannot be begun or continued: %s",
                       ts_err_text(e));
        store_done(&s);
        return e;
    }
    *ret = s;
    return TS_OK;
}

void store_done(struct store *s)
{
    ts_fd_close(&s->segment.fd);
    open_done(&s->open);
    ts_mem_free(s->out.buf);
    s->out = (struct ts_json){0};
}
