/*
 * Any bytes as a list of tripwires; and any secret in any stream: what comes
 * out is the same however it is cut, and the secret itself is always found.
 */
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/common/tripwire/tripwire_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* In pieces of `most` bytes; 0: in one. */
static uint64_t redact(const struct tripwires *set, const uint8_t *p,
                       size_t len, size_t most, struct ts_buf *out)
{
    struct redactor *r = NULL;
    uint64_t hits;

    TS_REQUIRE(redactor_new(set, &r) == TS_OK);
    while (len > 0) {
        size_t n = most == 0 || most > len ? len : most;
        size_t room = redactor_room(r, n), before = out->len;

        TS_REQUIRE(redactor_feed(r, p, n, out) == TS_OK);
        TS_REQUIRE(out->len - before <= room);
        p += n;
        len -= n;
    }
    TS_REQUIRE(redactor_finish(r, out) == TS_OK);
    hits = redactor_hits(r);
    redactor_free(r);
    return hits;
}

static uint64_t compare(const struct tripwires *set, const uint8_t *p,
                        size_t len, size_t most)
{
    struct ts_buf one, many;
    uint64_t hits;

    ts_buf_init(&one, 2 * len + 64);
    ts_buf_init(&many, 2 * len + 64);
    hits = redact(set, p, len, 0, &one);
    TS_REQUIRE(redact(set, p, len, most, &many) == hits);
    TS_REQUIRE(one.len == many.len);
    TS_REQUIRE(one.len == 0 ||
               memcmp(ts_buf_bytes(&one), ts_buf_bytes(&many), one.len) == 0);
    TS_REQUIRE(hits > 0 ||
               (one.len == len &&
                (len == 0 || memcmp(ts_buf_bytes(&one), p, len) == 0)));
    ts_buf_done(&one);
    ts_buf_done(&many);
    return hits;
}

/* [length of the secret] [size of a piece] secret stream */
static void secret_in_stream(const uint8_t *data, size_t len)
{
    static const uint8_t key[TRIPWIRE_KEY] = "the same each ti";
    size_t secret = 8 + (len > 0 ? data[0] % 24u : 0);
    struct tripwires *set = NULL;
    struct ts_buf list;
    const uint8_t *text;
    uint64_t hits;
    size_t n;

    if (len < 2 + secret)
        return;
    text = data + 2 + secret;
    n = len - 2 - secret;
    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    TS_REQUIRE(ts_buf_append(&list, key, sizeof(key)) == TS_OK);
    TS_REQUIRE(tripwires_add(&list, data + 2, secret) == TS_OK);
    TS_REQUIRE(tripwires_new(ts_buf_bytes(&list), list.len, &set) == TS_OK);
    hits = compare(set, text, n, 1u + data[1] % 64u);
    TS_REQUIRE(hits > 0 || memmem(text, n, data + 2, secret) == NULL);
    tripwires_free(set);
    ts_buf_done(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tripwires *set = NULL;
    uint8_t *copy = ts_mem_alloc(len + 1);

    TS_REQUIRE(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    if (tripwires_new(copy, len, &set) == TS_OK) {
        (void)compare(set, copy, len, 7);
        tripwires_free(set);
    }
    secret_in_stream(copy, len);
    ts_mem_free(copy);
    return 0;
}
