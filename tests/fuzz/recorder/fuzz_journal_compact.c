/*
 * Bytes as a life of the journal: appends of few keys, compactions, restarts, a
 * torn end, a full disk. What a start hands out must be what a plain model
 * holds: of every key the newest, none that was not forgotten for its time.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/wire/mp_read.h"
#include "sidecar/recorder/journal_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define KEYS 8u
#define NOW  100u

struct model { /* by type and key */
    uint32_t value[5][KEYS];
    bool may_be_gone[5][KEYS]; /* its time has passed */
};

static void append(struct journal *j, struct model *m, uint8_t what,
                   uint8_t how, uint32_t value)
{
    static uint8_t payload[JOURNAL_PAYLOAD_MAX];
    uint8_t body[JOURNAL_BODY_MAX];
    struct ring_journal r = {
        .type = (enum journal_type)(1 + what % 4),
        .key = {(uint8_t)(what / 4 % KEYS)},
        .keep_until = how % 4 == 0 ? NOW - 1 : NOW + 1,
        .payload = {.ptr = payload, .len = 5 + (size_t)how * 16}};
    size_t n = 0;

    memcpy(payload, &value, sizeof(value));
    payload[4] = r.key[0];
    if (r.payload.len > JOURNAL_PAYLOAD_MAX)
        r.payload.len = JOURNAL_PAYLOAD_MAX;
    TS_REQUIRE(ring_journal_encode(&r, body, sizeof(body), &n) == TS_OK);
    TS_REQUIRE(journal_append(j, (struct ts_bytes){body, n}) == TS_OK);
    m->value[r.type][r.key[0]] = value;
    m->may_be_gone[r.type][r.key[0]] =
        how % 4 == 0 && r.type != JOURNAL_DIRECTORY && r.type != JOURNAL_CLOCK;
}

/* Everything handed out is the model's, and nothing is missing. */
static void check(int memfd, const struct model *m)
{
    off_t len = lseek(memfd, 0, SEEK_END);
    uint8_t *p = ts_mem_alloc((size_t)len);
    bool seen[5][KEYS] = {{false}};
    struct mp_reader r;
    uint32_t count;

    TS_REQUIRE(p != NULL && pread(memfd, p, (size_t)len, 0) == len);
    mp_reader_init(&r, p, (size_t)len);
    mp_read_tuple(&r, 2);
    TS_REQUIRE(mp_read_uint(&r, 1) == 1);
    count = mp_read_array(&r, UINT32_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct ts_bytes b;
        uint32_t value;
        uint64_t t;

        mp_read_tuple(&r, 4);
        t = mp_read_uint(&r, 4);
        (void)mp_read_str(&r, 0);
        (void)mp_read_uint(&r, UINT64_MAX);
        b = mp_read_bin(&r, JOURNAL_PAYLOAD_MAX);
        TS_REQUIRE(r.error == TS_OK && b.len >= 5 && b.ptr[4] < KEYS);
        memcpy(&value, b.ptr, sizeof(value));
        TS_REQUIRE(value == m->value[t][b.ptr[4]] && !seen[t][b.ptr[4]]);
        seen[t][b.ptr[4]] = true;
    }
    TS_REQUIRE(mp_done(&r) == TS_OK);
    for (size_t t = 1; t < 5; t++)
        for (size_t k = 0; k < KEYS; k++)
            TS_REQUIRE(seen[t][k] || m->value[t][k] == 0 ||
                       m->may_be_gone[t][k]);
    ts_mem_free(p);
}

static void start(int dir, struct journal *j, const struct model *m)
{
    char text[JOURNAL_REFUSAL_MAX];
    static struct journal_found found;

    TS_REQUIRE(journal_open(dir, false, j, &found, text) == TS_OK);
    check(found.memfd, m);
    ts_fd_close(&found.memfd);
}

/* The floor and the doubling are for the size of real files; here every
 * compaction that is asked for is due. */
static void compact(struct journal *j, uint8_t slices)
{
    bool busy = true;

    if (j->compaction.fd < 0) {
        j->kept = 0;
        if (j->size <= JOURNAL_FLOOR)
            return;
    }
    for (uint32_t i = 0; busy && i <= slices; i++)
        TS_REQUIRE(journal_tend(j, NOW, &busy) == TS_OK);
}

static void tear(struct journal *j, uint8_t n)
{
    uint8_t head[JOURNAL_HEAD] = {200, 0, 0, 0, JOURNAL_ENTRY};

    for (size_t i = 0; i < 8; i++)
        head[5 + i] = (uint8_t)((j->place.seq + 1) >> 8 * i);
    TS_REQUIRE(journal_write_at(j->fd, head, n % sizeof(head), j->size) ==
               TS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const names[] = {"state.journal", "state.key",
                                        "state.marker", "state.lock",
                                        "state.journal.new"};
    char memory[] = "/dev/shm/tipstaff-fuzz-XXXXXX"; /* syncs cost nothing */
    char disk[] = "/tmp/tipstaff-fuzz-XXXXXX";
    const char *path;
    struct model m = {0};
    struct journal j;
    int dir;

    path = mkdtemp(memory);
    if (path == NULL)
        path = mkdtemp(disk);
    TS_REQUIRE(sodium_init() >= 0 && path != NULL);
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    start(dir, &j, &m);
    for (size_t i = 0; i + 3 <= len && i < 3000; i += 3) {
        if (data[i] % 8 < 5) {
            for (uint32_t n = 0; n < 30; n++)
                append(&j, &m, (uint8_t)(data[i + 1] + n * 7), data[i + 2],
                       (uint32_t)i * 100 + n + 1);
            TS_REQUIRE(journal_sync(&j) == TS_OK);
        } else if (data[i] % 8 == 7) {
            tear(&j, data[i + 1]);
            journal_done(&j);
            start(dir, &j, &m);
        } else {
            compact(&j, data[i + 1] % 8);
        }
    }
    journal_done(&j);
    start(dir, &j, &m);
    journal_done(&j);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlinkat(dir, names[i], 0);
    ts_fd_close(&dir);
    (void)rmdir(path);
    return 0;
}
