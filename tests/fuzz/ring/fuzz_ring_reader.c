/*
 * The input is what a hostile gate left in shared memory: 8 bytes head, 8 bytes
 * start of the reader, the rest the entries there. Property: every entry that
 * comes back lies inside what the head allows, and the reader ends.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_require.h"
#include "proto/wire/limits.h"
#include "sidecar/common/ring/ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define DATA_AT 4096u

static struct ring_reader *reader(void)
{
    static struct ring_reader r;
    int fd;

    if (r.shared == NULL) {
        TS_REQUIRE(ring_create(&fd) == TS_OK);
        TS_REQUIRE(ring_reader_open(fd, -1, &r) == TS_OK);
        (void)close(fd);
    }
    return &r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t buf[TS_RING_ENTRY_MAX];
    struct ring_reader *r = reader();
    uint8_t *shared = r->shared;
    uint64_t head, start, seen = 0;
    uint32_t kind;
    size_t n;

    if (len < 16)
        return 0;
    memcpy(&head, data, 8);
    memcpy(&start, data + 8, 8);
    start &= ~(uint64_t)7; /* the reader's own word: always aligned */
    data += 16;
    len -= 16;
    for (size_t i = 0; i < len; i++)
        shared[DATA_AT + (size_t)((start + i) % TS_RING_BYTES)] = data[i];
    memcpy(shared, &head, 8);
    r->tail = start;
    while (ring_next(r, buf, sizeof(buf), &kind, &n) == TS_OK) {
        TS_REQUIRE(kind != 0 && n <= TS_RING_ENTRY_MAX);
        TS_REQUIRE(r->tail - start <= TS_RING_BYTES);
        TS_REQUIRE(head - r->tail <= TS_RING_BYTES);
        TS_REQUIRE(++seen <= TS_RING_BYTES / 8);
    }
    for (size_t i = 0; i < len; i++)
        shared[DATA_AT + (size_t)((start + i) % TS_RING_BYTES)] = 0;
    return 0;
}
