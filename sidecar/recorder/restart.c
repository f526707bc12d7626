#include "sidecar/recorder/restart.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/msg/record.h"

/* No batch is longer, so a crash cannot leave more than this unwritten. */
#define TORN_MAX (16u << 20)

struct scan {
    int dir;                    /* borrowed */
    int fd;                     /* owned */
    char name[SEGMENT_NAME];    /* of the file in fd */
    struct open_launches *open; /* borrowed */
    char *buf;                  /* owned, RECORD_LINE_MAX bytes */
    struct chain chain;
    uint64_t lines;     /* read so far */
    uint64_t good;      /* bytes of them */
    uint64_t size;      /* of the file */
    uint64_t parts_due; /* "segment" lines that must still come */
    uint64_t journal;   /* as struct restart, both */
    char sidecar[TS_ID_MAX + 1];
    const char *flaw;
};

/* The two newest segments, 0 where there is none. */
static ts_err newest(int dir, uint64_t *ret_last, uint64_t *ret_before)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t last = 0, before = 0, seq;
    const struct dirent *de;
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    ts_err e;

    if (d == NULL) {
        e = ts_err_from_errno(errno);
        ts_fd_close(&fd);
        return e;
    }
    for (;;) {
        errno = 0;
        de = readdir(d);
        if (de == NULL)
            break;
        if (segment_name_parse(de->d_name, &seq) != TS_OK)
            continue;
        if (seq > last) {
            before = last;
            last = seq;
        } else if (seq > before) {
            before = seq;
        }
    }
    e = ts_err_from_errno(errno);
    (void)closedir(d);
    *ret_last = last;
    *ret_before = before;
    return e;
}

static struct ts_str text_at(const json_t *obj, const char *key)
{
    return ts_str_of(json_string_value(json_object_get(obj, key)));
}

static ts_err id_at(const json_t *v, uint8_t id[16])
{
    struct ts_str s = ts_str_of(json_string_value(v));

    return ts_hex_decode(s.ptr, s.len, id, 16);
}

/* part of parts, and the launches open before this file was begun. */
static ts_err take_segment(struct scan *s, const json_t *line)
{
    uint64_t part = (uint64_t)json_integer_value(json_object_get(line, "part"));
    uint64_t parts =
        (uint64_t)json_integer_value(json_object_get(line, "parts"));
    const json_t *list = json_object_get(line, "open"), *item;
    uint8_t id[16];
    size_t i;
    ts_err e = TS_OK;

    if (part != s->lines + 1 || parts < part || !json_is_array(list))
        return TS_E_FORMAT;
    s->parts_due = parts - part;
    json_array_foreach(list, i, item)
    {
        const json_t *v = json_array_get(item, 0);

        if (json_array_size(item) != 5)
            return TS_E_FORMAT;
        e = id_at(v, id);
        if (e == TS_OK)
            e = open_add(s->open, id,
                         ts_str_of(json_string_value(json_array_get(item, 1))),
                         ts_str_of(json_string_value(json_array_get(item, 2))),
                         ts_str_of(json_string_value(json_array_get(item, 3))),
                         ts_str_of(json_string_value(json_array_get(item, 4))));
        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}

/* A recorder that begins, or goes on in a new file, says whose journal it is;
 * one that begins has the journal's word for where it ends. */
static void take_sidecar(struct scan *s, struct ts_str kind, const json_t *line)
{
    struct ts_str name = text_at(line, "sidecar");

    if (ts_str_eq_c(kind, "start") &&
        !ts_str_eq_c(text_at(line, "process"), "recorder"))
        return;
    (void)snprintf(s->sidecar, sizeof(s->sidecar), "%.*s",
                   name.len > TS_ID_MAX ? TS_ID_MAX : (int)name.len, name.ptr);
    s->journal = 0;
}

static ts_err take_json(struct scan *s, struct ts_str kind, const json_t *line)
{
    uint8_t id[16];
    ts_err e;

    if (ts_str_eq_c(kind, "start") ||
        (ts_str_eq_c(kind, "segment") && s->lines == 0))
        take_sidecar(s, kind, line);
    if (ts_str_eq_c(kind, "start"))
        return TS_OK;
    if (ts_str_eq_c(kind, "segment"))
        return take_segment(s, line);
    if (ts_str_eq_c(kind, "decision") && json_object_get(line, "order") == NULL)
        return TS_OK;
    e = id_at(json_object_get(line, "id"), id);
    if (e != TS_OK)
        return e;
    if (ts_str_eq_c(kind, "exec_ended")) {
        e = open_remove(s->open, id);
        return e == TS_E_NOT_FOUND ? TS_OK : e; /* log verify complains */
    }
    return open_add(s->open, id, text_at(line, "tenant"), text_at(line, "user"),
                    text_at(line, "agent"), text_at(line, "tool"));
}

/* One line without its newline: its place in the chain, then what it opens or
 * closes. */
static ts_err take_line(struct scan *s, const char *line, size_t len)
{
    struct line_view v;
    json_t *j;
    ts_err e = line_view(line, len, &v);

    s->flaw = "not a line of this log";
    if (e != TS_OK || memchr(line, '\0', len) != NULL)
        return TS_E_FORMAT;
    if (s->chain.last_seq == 0 && s->lines == 0) {
        /* The segments before were taken away: begin where this one does. */
        s->chain.last_seq = v.seq - 1;
        memcpy(s->chain.prev, v.prev, LINE_HASH);
    }
    s->flaw = "not the next line, or the line before was changed";
    e = chain_follow(&s->chain, line, len);
    if (e != TS_OK)
        return e;
    if (ts_str_eq_c(v.kind, "decision") || ts_str_eq_c(v.kind, "exec_ended") ||
        ts_str_eq_c(v.kind, "segment") || ts_str_eq_c(v.kind, "start")) {
        s->flaw = "not JSON, or a launch that does not fit the others";
        j = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                       NULL);
        e = j != NULL ? take_json(s, v.kind, j) : TS_E_FORMAT;
        json_decref(j);
    } else if (s->parts_due > 0) {
        e = TS_E_FORMAT;
    }
    if (e != TS_OK)
        return e;
    if (v.journal > s->journal)
        s->journal = v.journal;
    s->lines++;
    return TS_OK;
}

/* Whole lines from s->good on, until the end or a line that is wrong. */
static ts_err take_lines(struct scan *s)
{
    for (;;) {
        ssize_t n = pread(s->fd, s->buf, RECORD_LINE_MAX, (off_t)s->good);
        size_t from = 0, have;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ts_err_from_errno(errno);
        have = (size_t)n;
        for (;;) {
            const char *line = s->buf + from;
            const char *end = memchr(line, '\n', have - from);
            ts_err e;

            if (end == NULL)
                break;
            e = take_line(s, line, (size_t)(end - line));
            if (e != TS_OK)
                return e;
            from += (size_t)(end - line) + 1;
            s->good += (size_t)(end - line) + 1;
        }
        if (from == 0) {
            s->flaw = "a line without an end";
            return have == RECORD_LINE_MAX ? TS_E_LIMIT : TS_OK;
        }
    }
}

/* Does a zero byte stand in what follows the good lines? No line of ours has
 * one; a block that was never written has nothing else. */
static bool is_unwritten(struct scan *s)
{
    uint64_t at = s->good;

    if (s->size - s->good > TORN_MAX)
        return false;
    while (at < s->size) {
        ssize_t n = pread(s->fd, s->buf, RECORD_LINE_MAX, (off_t)at);

        if (n <= 0)
            return false;
        if (memchr(s->buf, '\0', (size_t)n) != NULL)
            return true;
        at += (uint64_t)n;
    }
    return false;
}

static ts_err open_segment(struct scan *s, uint64_t first_seq)
{
    struct stat st;

    segment_name(s->name, first_seq);
    s->fd = openat(s->dir, s->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    s->flaw = "cannot be opened";
    if (s->fd < 0 || fstat(s->fd, &st) != 0)
        return ts_err_from_errno(errno);
    s->size = (uint64_t)st.st_size;
    s->lines = 0;
    s->good = 0;
    s->parts_due = 0;
    return TS_OK;
}

/* Takes the end of the segment before as the place where the chain stands. */
static ts_err chain_before(struct scan *s, uint64_t first_seq)
{
    struct line_view v;
    uint64_t from;
    const char *line;
    ssize_t n;
    ts_err e = open_segment(s, first_seq);

    if (e != TS_OK)
        return e;
    from = s->size > RECORD_LINE_MAX ? s->size - RECORD_LINE_MAX : 0;
    n = pread(s->fd, s->buf, RECORD_LINE_MAX, (off_t)from);
    ts_fd_close(&s->fd);
    s->flaw = "its last line is not whole, although a newer segment follows";
    if (n < 2 || s->buf[n - 1] != '\n')
        return TS_E_FORMAT;
    line = memrchr(s->buf, '\n', (size_t)n - 1);
    line = line != NULL ? line + 1 : s->buf;
    n -= line - s->buf + 1;
    e = line_view(line, (size_t)n, &v);
    if (e != TS_OK)
        return e;
    s->chain.last_seq = v.seq;
    line_hash(s->chain.prev, line, (size_t)n);
    return TS_OK;
}

/* One segment as the last. *ret_usable false: its first lines are not whole,
 * and nothing but them was ever written. */
static ts_err scan_last(struct scan *s, uint64_t last, uint64_t before,
                        bool *ret_usable)
{
    ts_err e = before > 0 ? chain_before(s, before) : TS_OK;

    if (e == TS_OK)
        e = open_segment(s, last);
    if (e == TS_OK)
        e = take_lines(s);
    if (e == TS_E_FORMAT && is_unwritten(s))
        e = TS_OK;
    *ret_usable = s->lines > 0 && s->parts_due == 0;
    if (e == TS_OK && *ret_usable && before > 0 &&
        s->chain.last_seq - s->lines + 1 != last) {
        s->flaw = "its first line is not the one of its name";
        e = TS_E_FORMAT;
    }
    return e;
}

ts_err restart_scan(int log_dir, struct open_launches *open,
                    struct restart *ret, char *reterr_text, size_t reterr_cap)
{
    struct scan s = {.dir = log_dir, .fd = -1, .open = open};
    uint64_t last = 0, before = 0;
    bool usable = false;
    ts_err e = TS_E_NOMEM;

    s.buf = ts_mem_alloc(RECORD_LINE_MAX);
    while (s.buf != NULL) {
        s.chain = (struct chain){0};
        s.journal = 0;
        s.sidecar[0] = '\0';
        open->count = 0;
        e = newest(log_dir, &last, &before);
        if (e != TS_OK || last == 0)
            break;
        e = scan_last(&s, last, before, &usable);
        ts_fd_close(&s.fd);
        if (e != TS_OK || usable)
            break;
        segment_name(s.name, last);
        s.flaw = "cannot be removed although nothing whole was written to it";
        if (unlinkat(log_dir, s.name, 0) != 0) {
            e = ts_err_from_errno(errno);
            break;
        }
    }
    ts_mem_free(s.buf);
    if (e != TS_OK) {
        (void)snprintf(
            reterr_text, reterr_cap, "%s:%llu: %s (%s)",
            s.name[0] != '\0' ? s.name : ".", (unsigned long long)s.lines + 1,
            s.flaw != NULL ? s.flaw : "cannot be read", ts_err_text(e));
        return e;
    }
    *ret = (struct restart){.chain = s.chain,
                            .journal = s.journal,
                            .has_segment = last > 0,
                            .first_seq = last,
                            .size = last > 0 ? s.good : 0,
                            .cut_bytes = last > 0 ? s.size - s.good : 0};
    memcpy(ret->sidecar, s.sidecar, sizeof(s.sidecar));
    return TS_OK;
}
