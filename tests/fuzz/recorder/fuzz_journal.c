/*
 * Bytes as a journal file. With the first byte even they are as they came; odd:
 * every record gets the mac that belongs there, so that what lies behind the
 * macs is reached, too. The walk ends, entries lie inside, no more was accepted
 * than was there, and a reader in windows says what the walk over all says.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/recorder/journal_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t key[JOURNAL_KEY] = {7, 7, 7};

static void mend(uint8_t *p, size_t len)
{
    uint8_t mac[JOURNAL_MAC] = {0};
    crypto_generichash_state s;
    size_t at = 0, need;

    while (len - at >= JOURNAL_HEAD + JOURNAL_MAC) {
        need = JOURNAL_HEAD + JOURNAL_MAC + (size_t)p[at] +
               ((size_t)p[at + 1] << 8);
        if (need > len - at)
            return;
        (void)crypto_generichash_init(&s, key, JOURNAL_KEY, JOURNAL_MAC);
        (void)crypto_generichash_update(&s, mac, JOURNAL_MAC);
        (void)crypto_generichash_update(&s, p + at, need - JOURNAL_MAC);
        (void)crypto_generichash_final(&s, mac, JOURNAL_MAC);
        memcpy(p + at + need - JOURNAL_MAC, mac, JOURNAL_MAC);
        at += need;
    }
}

static void agree(const uint8_t *p, size_t len, uint64_t entries, size_t end,
                  ts_err how)
{
    int fd = memfd_create("journal", MFD_CLOEXEC);
    struct journal_reader r;
    struct journal_entry e;
    ts_err err;

    if (fd < 0)
        return;
    TS_REQUIRE(len == 0 || pwrite(fd, p, len, 0) == (ssize_t)len);
    TS_REQUIRE(journal_reader_init(&r, fd, key, len) == TS_OK);
    while ((err = journal_reader_next(&r, &e)) == TS_OK)
        entries--;
    TS_REQUIRE(err == how && entries == 0 && journal_reader_at(&r) == end);
    journal_reader_done(&r);
    (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *copy = ts_mem_alloc(len > 0 ? len : 1);
    struct journal_walk w = {.bytes = copy, .key = key, .last = true};
    struct journal_entry e;
    uint64_t entries = 0, seq = 0;
    size_t before = 0;
    ts_err end;

    TS_REQUIRE(copy != NULL);
    if (len > 0) {
        w.len = len - 1;
        memcpy(copy, data + 1, w.len);
        if (data[0] % 2 == 1)
            mend(copy, w.len);
    }
    while ((end = journal_next(&w, &e)) == TS_OK) {
        TS_REQUIRE(w.at > before && w.at <= w.len && e.seq > seq);
        TS_REQUIRE(e.body.ptr >= copy + before &&
                   e.body.ptr + e.body.len <= copy + w.at);
        before = w.at;
        seq = e.seq;
        entries++;
    }
    TS_REQUIRE(end != TS_E_AGAIN || w.at == w.len);
    agree(copy, w.len, entries, w.at, end);
    ts_mem_free(copy);
    return 0;
}
