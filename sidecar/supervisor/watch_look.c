/* Looks at the files of one tenant, and hands over what has changed. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/trust/signed.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/log.h"
#include "sidecar/supervisor/watch_priv.h"

#define FRESH_MS UINT64_C(2000) /* younger: perhaps still being written */
#define SEALS    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

_Static_assert(BUNDLE_SNAPSHOT_MAX == SIGNED_SNAPSHOT_MAX &&
                   BUNDLE_HEARTBEAT_MAX == SIGNED_HEARTBEAT_MAX,
               "the bundle takes what can be signed");

const char *watch_file_name(size_t kind)
{
    static const char *const names[WATCH_KINDS] = {"directory.snapshot",
                                                   "directory.heartbeat"};

    return names[kind];
}

void watch_hash(struct ts_str bytes, uint8_t out[WATCH_HASH_LEN])
{
    (void)crypto_generichash(out, WATCH_HASH_LEN, (const uint8_t *)bytes.ptr,
                             bytes.len, NULL, 0); /* cannot fail */
}

static bool same_attributes(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Written to a moment ago, and nothing has said that it is complete. A file
 * from the future, after the clock was set, is not waited for. */
static bool is_busy(const struct watch_file *f, const struct stat *st,
                    uint64_t real_ms)
{
    uint64_t ms = (uint64_t)st->st_mtim.tv_sec * 1000 +
                  (uint64_t)st->st_mtim.tv_nsec / 1000000;

    return !f->finished && ms <= real_ms && real_ms - ms < FRESH_MS;
}

static ts_err sealed(struct ts_str bytes, int *ret_fd)
{
    int fd TS_CLEANUP(ts_fd_close) =
        memfd_create("tipstaff-feed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ts_err e;

    if (fd < 0)
        return ts_err_from_errno(errno);
    if ((e = ts_fd_write_all(fd, bytes.ptr, bytes.len)) != TS_OK)
        return e;
    if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
        return ts_err_from_errno(errno);
    *ret_fd = fd;
    fd = -1; /* moved to the caller */
    return TS_OK;
}

/* Once for each state of the file. */
static void complain(struct watch_file *f, const char *text)
{
    char shown[600];

    if (!f->faulty) {
        (void)ts_str_escape(shown, sizeof(shown), text, strlen(text));
        log_event(LOG_ERROR, "feed_unreadable text=\"%s\"", shown);
    }
    f->faulty = true;
}

/* True if it was handed over. */
static bool hand_over(const struct watch_tenant *t, struct watch_file *f,
                      size_t kind, struct ts_str bytes, watch_feed_fn feed,
                      void *ctx, struct watch_result *result)
{
    enum control_feed_kind what =
        kind == 0 ? CONTROL_FEED_SNAPSHOT : CONTROL_FEED_HEARTBEAT;
    uint8_t hash[WATCH_HASH_LEN];
    int fd TS_CLEANUP(ts_fd_close) = -1;
    ts_err e;

    watch_hash(bytes, hash);
    if (!f->resend && f->known && memcmp(hash, f->hash, sizeof(hash)) == 0)
        return false;
    e = sealed(bytes, &fd);
    if (e == TS_OK)
        e = feed(ctx, t->name, what, fd);
    if (e != TS_OK) {
        f->dirty = f->finished = true; /* these bytes are to be read again */
        result->blocked = true;
        return false;
    }
    memcpy(f->hash, hash, sizeof(hash));
    f->known = true;
    f->resend = false;
    /* A heartbeat comes every few seconds. */
    log_event(kind == 0 ? LOG_INFO : LOG_DEBUG,
              "feed tenant=%.*s file=%s bytes=%zu", (int)t->name.len,
              t->name.ptr, watch_file_name(kind), bytes.len);
    return true;
}

static bool read_one(const struct watch *w, const struct watch_tenant *t,
                     struct watch_file *f, size_t kind, const char *path,
                     watch_feed_fn feed, void *ctx, struct watch_result *result)
{
    char text[512] = "";
    struct bundle_read got = {0};
    struct ts_arena room;
    bool sent = false;
    ts_err e;

    ts_arena_init(&room, BUNDLE_SNAPSHOT_MAX + 4096);
    e = bundle_read_file(w->config_dir, path, &room, &got, text, sizeof(text));
    if (e == TS_OK && got.content.len == 0) {
        (void)snprintf(text, sizeof(text), "%s: is empty", path);
        e = TS_E_INVALID;
    }
    if (e == TS_OK) {
        f->st = got.st;
        f->seen = true;
        f->dirty = f->finished = f->faulty = false;
        sent = hand_over(t, f, kind, got.content, feed, ctx, result);
    } else if (e == TS_E_STATE || e == TS_E_NOT_FOUND) {
        result->busy = true; /* just now being replaced */
    } else {
        /* What is wrong with the file itself stays wrong until it changes; the
         * rest (memory, permissions, the disk) is tried again at each look. */
        f->dirty = f->finished = e != TS_E_INVALID && e != TS_E_LIMIT;
        complain(f, text);
    }
    ts_arena_done(&room);
    return sent;
}

static bool look_one(const struct watch *w, const struct watch_tenant *t,
                     struct watch_file *f, size_t kind, uint64_t real_ms,
                     watch_feed_fn feed, void *ctx, struct watch_result *result)
{
    char path[WATCH_PATH_MAX];
    struct stat st = {0};
    int n = snprintf(path, sizeof(path), "tenants/%.*s/%s", (int)t->name.len,
                     t->name.ptr, watch_file_name(kind));
    bool same;
    ts_err e;

    if (n < 0 || (size_t)n >= sizeof(path))
        return false; /* the bundle could not hold it either */
    e = bundle_look_file(w->config_dir, path, &st);
    if (e != TS_OK) {
        /* What the gate has runs out by itself; when the file comes back it is
         * read. */
        f->seen = f->dirty = f->finished = false;
        return e == TS_E_NOT_FOUND || f->faulty
                   ? false
                   : read_one(w, t, f, kind, path, feed, ctx, result);
    }
    same = f->seen && same_attributes(&f->st, &st);
    if (same && !f->dirty && !f->resend)
        return false;
    if (!same)
        f->faulty = false;
    if (!same && is_busy(f, &st, real_ms)) {
        result->busy = true;
        return false;
    }
    f->st = st;
    f->seen = true;
    return read_one(w, t, f, kind, path, feed, ctx, result);
}

void watch_look(const struct watch *w, struct watch_tenant *t, uint64_t real_ms,
                watch_feed_fn feed, void *ctx, struct watch_result *result)
{
    /* A heartbeat is refused by a gate that does not hold its snapshot: so it
     * comes second, and again after each snapshot. */
    if (look_one(w, t, &t->files[0], 0, real_ms, feed, ctx, result))
        t->files[1].resend = true;
    (void)look_one(w, t, &t->files[1], 1, real_ms, feed, ctx, result);
}
