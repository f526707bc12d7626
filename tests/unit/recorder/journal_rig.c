#include "journal_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/wire/mp_read.h"
#include "tests/lib/ts_test.h"

#define PAD_MAX 4000u

static const struct jrig closed = {
    .dirfd = -1,
    .j = {.fd = -1,
          .lock_fd = -1,
          .compaction = {.fd = -1, .from = {.fd = -1}}},
    .found = {.memfd = -1}};

int jrig_init(struct jrig *r)
{
    *r = closed;
    /* In memory where there is such a place: thousands of syncs. */
    (void)snprintf(r->dir, sizeof(r->dir), "/dev/shm/tipstaff-jnl-XXXXXX");
    if (mkdtemp(r->dir) == NULL) {
        (void)snprintf(r->dir, sizeof(r->dir), "/tmp/tipstaff-jnl-XXXXXX");
        if (mkdtemp(r->dir) == NULL)
            return -1;
    }
    r->dirfd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r->dirfd >= 0 ? 0 : -1;
}

void jrig_close(struct jrig *r)
{
    journal_done(&r->j);
    ts_fd_close(&r->found.memfd);
    r->j = closed.j;
}

void jrig_empty(struct jrig *r)
{
    DIR *d = opendir(r->dir);
    const struct dirent *de;

    while (d != NULL && (de = readdir(d)) != NULL)
        if (de->d_name[0] != '.')
            (void)unlinkat(dirfd(d), de->d_name, 0);
    if (d != NULL)
        (void)closedir(d);
}

void jrig_done(struct jrig *r)
{
    if (r->j.key != NULL)
        jrig_close(r);
    jrig_empty(r);
    ts_fd_close(&r->dirfd);
    (void)rmdir(r->dir);
    *r = closed;
}

ts_err jrig_open(struct jrig *r, bool init)
{
    ts_fd_close(&r->found.memfd);
    r->text[0] = '\0';
    return journal_open(r->dirfd, init, &r->j, &r->found, r->text);
}

size_t jrig_body(uint8_t *out, size_t cap, enum journal_type type, uint32_t key,
                 uint64_t keep_until, uint8_t v, size_t pad)
{
    static uint8_t payload[4 + PAD_MAX];
    struct ring_journal j = {.type = type,
                             .tenant = TS_STR_LIT("acme"),
                             .keep_until = keep_until,
                             .payload = {.ptr = payload, .len = 4 + pad}};
    uint32_t n = key << 8 | v; /* the memfd carries no keys */
    size_t len = 0;

    assert_true(pad <= PAD_MAX);
    for (size_t i = 0; i < 4; i++) {
        payload[i] = (uint8_t)(n >> 8 * i);
        j.key[i] = (uint8_t)(key >> 8 * i);
    }
    assert_int_equal(ring_journal_encode(&j, out, cap, &len), TS_OK);
    return len;
}

ts_err jrig_append(struct jrig *r, enum journal_type type, uint32_t key,
                   uint64_t keep_until, uint8_t v, size_t pad)
{
    uint8_t body[JOURNAL_BODY_MAX];
    struct ts_bytes b = {
        .ptr = body,
        .len = jrig_body(body, sizeof(body), type, key, keep_until, v, pad)};

    return journal_append(&r->j, b);
}

size_t jrig_compact(struct jrig *r, uint64_t now_s, ts_err *ret)
{
    size_t slices = 0;
    bool busy = true;

    while (busy) {
        *ret = journal_tend(&r->j, now_s, &busy);
        slices++;
    }
    return slices;
}

uint32_t jrig_handed(const struct jrig *r, enum journal_type type, uint32_t key)
{
    struct stat st;
    struct mp_reader m;
    uint8_t *p;
    uint32_t found = 0, count;

    assert_int_equal(fstat(r->found.memfd, &st), 0);
    p = ts_mem_alloc((size_t)st.st_size);
    assert_non_null(p);
    assert_int_equal(pread(r->found.memfd, p, (size_t)st.st_size, 0),
                     st.st_size);
    mp_reader_init(&m, p, (size_t)st.st_size);
    mp_read_tuple(&m, 2);
    assert_int_equal(mp_read_uint(&m, 1), 1);
    count = mp_read_array(&m, UINT32_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct ts_bytes b;
        uint64_t t;
        uint32_t n = 0;

        mp_read_tuple(&m, 4);
        t = mp_read_uint(&m, 99);
        assert_true(ts_str_eq_c(mp_read_str(&m, 9), "acme"));
        (void)mp_read_uint(&m, UINT64_MAX);
        b = mp_read_bin(&m, JOURNAL_PAYLOAD_MAX);
        assert_true(b.len >= 4);
        for (size_t k = 0; k < 4; k++)
            n |= (uint32_t)b.ptr[k] << 8 * k;
        if (t != (uint64_t)type || n >> 8 != key)
            continue;
        assert_int_equal(found, 0); /* one entry a key */
        found = n & 0xff;
    }
    assert_int_equal(mp_done(&m), TS_OK);
    ts_mem_free(p);
    return found;
}

size_t jrig_handed_count(const struct jrig *r)
{
    uint8_t head[16] = {0};

    assert_true(pread(r->found.memfd, head, sizeof(head), 0) > 0);
    assert_int_equal(head[0], 0x92);
    if (head[2] == 0xdc) /* array 16 */
        return (size_t)head[3] << 8 | head[4];
    assert_int_equal(head[2] & 0xf0, 0x90);
    return head[2] & 0x0f;
}

void jrig_path(const struct jrig *r, const char *name, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s/%s", r->dir, name);
}
