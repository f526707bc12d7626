/* state.journal and state.key in the state directory. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/wire/mp_write.h"
#include "sidecar/recorder/journal.h"

#define JOURNAL_NAME "state.journal"
#define KEY_NAME     "state.key"
#define KEY_TEMP     "state.key.new"

/* Every byte or an error. */
static ts_err write_at(int fd, const uint8_t *p, size_t len, uint64_t at)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pwrite(fd, p + done, len - done, (off_t)(at + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? TS_E_SYSTEM : ts_err_from_errno(errno);
        done += (size_t)n;
    }
    return TS_OK;
}

static ts_err read_all(int fd, uint8_t *p, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(fd, p + done, len - done, (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? TS_E_TRUNCATED : ts_err_from_errno(errno);
        done += (size_t)n;
    }
    return TS_OK;
}

/* Under another name first: state.key is whole or not there. */
static ts_err key_make(int dir, uint8_t *key)
{
    int fd;
    ts_err e;

    (void)unlinkat(dir, KEY_TEMP, 0); /* of a first start that was cut short */
    fd = openat(dir, KEY_TEMP,
                O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
    if (fd < 0)
        return ts_err_from_errno(errno);
    randombytes_buf(key, JOURNAL_KEY);
    e = write_at(fd, key, JOURNAL_KEY, 0);
    if (e == TS_OK &&
        (fsync(fd) != 0 || renameat(dir, KEY_TEMP, dir, KEY_NAME) != 0 ||
         fsync(dir) != 0))
        e = ts_err_from_errno(errno);
    ts_fd_close(&fd);
    return e;
}

static ts_err key_read(int dir, uint8_t *key)
{
    int fd = openat(dir, KEY_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    ts_err e;

    if (fd < 0)
        return ts_err_from_errno(errno);
    if (fstat(fd, &st) != 0 || st.st_size != JOURNAL_KEY)
        e = TS_E_FORMAT;
    else
        e = read_all(fd, key, JOURNAL_KEY);
    ts_fd_close(&fd);
    return e;
}

/* The key is also the mark that a journal was begun: with a key and no journal
 * somebody took the revocations away. */
static ts_err open_files(int dir, struct journal *j, const char **reterr_text)
{
    ts_err e = key_read(dir, j->key);
    bool has_key = e == TS_OK;
    struct stat st;

    if (!has_key && e != TS_E_NOT_FOUND) {
        *reterr_text = "state.key cannot be read, or is not 32 bytes long";
        return e;
    }
    j->fd =
        openat(dir, JOURNAL_NAME,
               O_RDWR | O_CLOEXEC | O_NOFOLLOW | (has_key ? 0 : O_CREAT), 0600);
    if (j->fd < 0 || fstat(j->fd, &st) != 0) {
        *reterr_text = has_key && errno == ENOENT
                           ? "state.journal is missing although state.key is "
                             "there: revocations would be forgotten; restore "
                             "it, or remove state.key to begin anew"
                           : "state.journal cannot be opened";
        return ts_err_from_errno(errno);
    }
    if (!has_key && st.st_size > 0) {
        *reterr_text = "state.key is missing although state.journal holds "
                       "entries: restore it, or remove both to begin anew";
        return TS_E_NOT_FOUND;
    }
    if (st.st_size > JOURNAL_BYTES_MAX) {
        *reterr_text = "state.journal is larger than 32 MiB";
        return TS_E_LIMIT;
    }
    j->size = (uint64_t)st.st_size;
    *reterr_text = "state.key cannot be made";
    return has_key ? TS_OK : key_make(dir, j->key);
}

/* [1, [[type, tenant, keep_until, payload]...]]; no longer than the journal
 * itself, since an entry there has a head, a key and a mac more. */
static ts_err entries_pack(const struct journal *j, const uint8_t *bytes,
                           uint8_t *out, size_t cap, size_t *ret_len,
                           struct journal_walk *ret_end)
{
    struct journal_walk count = {
        .bytes = bytes, .len = (size_t)j->size, .key = j->key};
    struct journal_walk again = count;
    struct journal_entry entry;
    struct ring_journal j2;
    const char *what;
    struct mp_writer w;
    uint32_t n = 0;
    ts_err e;

    while ((e = journal_next(&count, &entry)) == TS_OK)
        n++;
    if (e != TS_E_AGAIN && e != TS_E_TRUNCATED)
        return e;
    mp_writer_init(&w, out, cap);
    mp_write_array(&w, 2);
    mp_write_uint(&w, 1);
    mp_write_array(&w, n);
    while (n-- > 0 && journal_next(&again, &entry) == TS_OK) {
        e = ring_journal_decode(entry.body.ptr, entry.body.len, &j2, &what);
        if (e != TS_OK)
            return e;
        mp_write_array(&w, 4);
        mp_write_uint(&w, j2.type);
        mp_write_str(&w, j2.tenant.ptr, j2.tenant.len);
        mp_write_uint(&w, j2.keep_until);
        mp_write_bin(&w, j2.payload.ptr, j2.payload.len);
    }
    *ret_end = count;
    return mp_written(&w, ret_len);
}

static ts_err to_memfd(const uint8_t *p, size_t len, int *ret)
{
    int fd = memfd_create("tipstaff-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ts_err e;

    if (fd < 0)
        return ts_err_from_errno(errno);
    e = write_at(fd, p, len, 0);
    if (e == TS_OK &&
        fcntl(fd, F_ADD_SEALS,
              F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        e = ts_err_from_errno(errno);
    if (e != TS_OK)
        ts_fd_close(&fd);
    else
        *ret = fd;
    return e;
}

/* Reads and checks all of it, cuts a torn end, hands the entries out. */
static ts_err replay(struct journal *j, int *ret_memfd, size_t *ret_cut,
                     const char **reterr_text)
{
    size_t cap = (size_t)j->size + 64, len = 0, cut;
    uint8_t *bytes = ts_mem_alloc(cap), *out = ts_mem_alloc(cap);
    ts_err e = TS_E_NOMEM;
    int fd = -1;

    *reterr_text = "out of memory";
    if (bytes == NULL || out == NULL)
        goto out;
    *reterr_text = "state.journal cannot be read";
    e = read_all(j->fd, bytes, (size_t)j->size);
    if (e != TS_OK)
        goto out;
    *reterr_text = "state.journal was damaged or changed (a record does not "
                   "verify): restore it from a copy, or remove state.journal "
                   "and state.key and revoke again";
    e = entries_pack(j, bytes, out, cap, &len, &j->place);
    if (e != TS_OK)
        goto out;
    cut = (size_t)j->size - j->place.at;
    *reterr_text = "state.journal cannot be cut after its last whole record";
    if (cut > 0 &&
        (ftruncate(j->fd, (off_t)j->place.at) != 0 || fdatasync(j->fd) != 0)) {
        e = ts_err_from_errno(errno);
        goto out;
    }
    *reterr_text = "the journal's entries cannot be put into a memfd";
    e = to_memfd(out, len, &fd);
    if (e != TS_OK)
        goto out;
    j->size = j->place.at;
    j->place.bytes = NULL;
    *ret_memfd = fd;
    *ret_cut = cut;
out:
    ts_mem_free(bytes);
    ts_mem_free(out);
    return e;
}

ts_err journal_open(int state_dir, struct journal *ret, int *ret_memfd,
                    size_t *ret_cut, const char **reterr_text)
{
    struct journal j = {.fd = -1};
    ts_err e;

    j.key = sodium_malloc(JOURNAL_KEY);
    if (j.key == NULL) {
        *reterr_text = "out of memory";
        return TS_E_NOMEM;
    }
    e = open_files(state_dir, &j, reterr_text);
    if (e == TS_OK)
        e = replay(&j, ret_memfd, ret_cut, reterr_text);
    if (e != TS_OK) {
        journal_done(&j);
        return e;
    }
    *ret = j;
    return TS_OK;
}

void journal_done(struct journal *j)
{
    ts_fd_close(&j->fd);
    sodium_free(j->key); /* wipes it; NULL is fine */
    j->key = NULL;
}

ts_err journal_append(struct journal *j, uint8_t type, struct ts_bytes body)
{
    uint8_t rec[JOURNAL_HEAD + JOURNAL_BODY_MAX + JOURNAL_MAC];
    size_t len = JOURNAL_HEAD + body.len + JOURNAL_MAC;
    struct journal_walk place = j->place;
    ts_err e;

    if (body.len > JOURNAL_BODY_MAX || type == 0)
        return TS_E_INVALID;
    if (j->size + len > JOURNAL_BYTES_MAX)
        return TS_E_LIMIT;
    journal_encode(&place, type, body, rec);
    e = write_at(j->fd, rec, len, j->size);
    if (e != TS_OK)
        return e; /* half of it may stand there: a torn last record */
    j->place = place;
    j->size += len;
    j->dirty = true;
    return TS_OK;
}

ts_err journal_sync(struct journal *j)
{
    if (!j->dirty)
        return TS_OK;
    if (fdatasync(j->fd) != 0)
        return TS_E_SYSTEM;
    j->dirty = false;
    return TS_OK;
}
