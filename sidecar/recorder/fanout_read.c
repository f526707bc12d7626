/* A place in the segment files, and what a filter lets through. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/msg/record.h"
#include "sidecar/recorder/fanout.h"
#include "sidecar/recorder/segment.h"

#define READ_AHEAD 16384u /* most lines are far shorter */

static ts_err cursor_open(struct fanout *f, struct tail_cursor *c,
                          uint64_t first_seq)
{
    char name[SEGMENT_NAME];
    int fd;

    segment_name(name, first_seq);
    fd = openat(f->log_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return ts_err_from_errno(errno);
    ts_fd_close(&c->fd);
    *c = (struct tail_cursor){
        .fd = fd, .first_seq = first_seq, .next_seq = first_seq};
    return TS_OK;
}

/* The segment that holds seq: the newest that does not begin after it, or the
 * oldest there is. */
static ts_err segment_of(struct fanout *f, uint64_t seq, uint64_t *ret)
{
    int fd = openat(f->log_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t best = 0, oldest = 0, first;
    const struct dirent *de;
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

    if (d == NULL) {
        ts_err e = ts_err_from_errno(errno);

        ts_fd_close(&fd);
        return e;
    }
    while ((de = readdir(d)) != NULL) {
        if (segment_name_parse(de->d_name, &first) != TS_OK)
            continue;
        if (first <= seq && first > best)
            best = first;
        if (oldest == 0 || first < oldest)
            oldest = first;
    }
    (void)closedir(d);
    *ret = best != 0 ? best : oldest;
    return *ret != 0 ? TS_OK : TS_E_NOT_FOUND;
}

/* Bytes of the cursor's file that may be read. */
static ts_err limit_of(const struct tail_cursor *c, struct log_end end,
                       uint64_t *ret)
{
    struct stat st;

    if (c->first_seq == end.first_seq) {
        *ret = end.size;
        return TS_OK;
    }
    if (fstat(c->fd, &st) != 0)
        return ts_err_from_errno(errno);
    *ret = (uint64_t)st.st_size;
    return TS_OK;
}

ts_err tail_read(struct fanout *f, struct tail_cursor *c, struct log_end end,
                 const char **ret, size_t *ret_len)
{
    size_t want = READ_AHEAD;
    uint64_t limit = 0;
    ts_err e;

    for (;;) {
        const char *nl;
        ssize_t n;

        e = limit_of(c, end, &limit);
        if (e != TS_OK)
            return e;
        if (c->offset >= limit) {
            if (c->first_seq == end.first_seq || c->next_seq > end.last_seq)
                return TS_E_AGAIN;
            e = cursor_open(f, c, c->next_seq);
            if (e != TS_OK)
                return e;
            continue;
        }
        if (want > limit - c->offset)
            want = (size_t)(limit - c->offset);
        n = pread(c->fd, f->buf, want, (off_t)c->offset);
        if (n <= 0)
            return n == 0 ? TS_E_TRUNCATED : ts_err_from_errno(errno);
        nl = memchr(f->buf, '\n', (size_t)n);
        if (nl == NULL) {
            if (want == RECORD_LINE_MAX || want == limit - c->offset)
                return TS_E_FORMAT;
            want = RECORD_LINE_MAX;
            continue;
        }
        *ret = f->buf;
        *ret_len = (size_t)(nl - f->buf);
        c->offset += *ret_len + 1;
        c->next_seq++;
        return TS_OK;
    }
}

ts_err tail_seek(struct fanout *f, struct tail_cursor *c, uint64_t from_seq,
                 struct log_end end)
{
    struct tail_cursor before;
    uint64_t first = 0;
    const char *line;
    size_t len;
    ts_err e;

    e = segment_of(f, from_seq, &first);
    if (e == TS_OK)
        e = cursor_open(f, c, first);
    while (e == TS_OK && c->next_seq < from_seq) {
        before = *c;
        e = tail_read(f, c, end, &line, &len);
        if (e == TS_E_AGAIN)
            *c = before; /* it does not exist yet: begin at the end */
    }
    return e;
}

static struct ts_str text_at(const json_t *obj, const char *key)
{
    return ts_str_of(json_string_value(json_object_get(obj, key)));
}

/* The agent itself, or one that acts for it further down the chain. */
static bool has_agent(const json_t *j, const char *agent)
{
    const json_t *chain = json_object_get(j, "chain"), *v;
    size_t i;

    if (ts_str_eq_c(text_at(j, "agent"), agent))
        return true;
    json_array_foreach(chain, i, v)
    {
        struct ts_str s = ts_str_of(json_string_value(v));

        if (ts_str_starts(s, TS_STR_LIT("agent:")) &&
            strcmp(s.ptr + 6, agent) == 0)
            return true;
    }
    return false;
}

bool tail_filter_passes(const struct tail_filter *t, const char *line,
                        size_t len)
{
    struct line_view v;
    bool passes;
    json_t *j;

    if (t->since[0] != '\0' &&
        (line_view(line, len, &v) != TS_OK ||
         memcmp(v.time.ptr, t->since, LINE_TIME - 1) < 0))
        return false;
    if (t->tenant[0] == '\0' && t->agent[0] == '\0' && t->effect[0] == '\0' &&
        !t->scope.limited)
        return true;
    j = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (j == NULL)
        return false;
    passes = tail_scope_has(&t->scope, text_at(j, "tenant")) &&
             (t->tenant[0] == '\0' ||
              ts_str_eq_c(text_at(j, "tenant"), t->tenant)) &&
             (t->effect[0] == '\0' ||
              ts_str_eq_c(text_at(j, "effect"), t->effect)) &&
             (t->agent[0] == '\0' || has_agent(j, t->agent));
    json_decref(j);
    return passes;
}
