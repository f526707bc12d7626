/* Whatever splits is put together again to the same text; nothing verifies
 * under a key whose secret the fuzzer has not. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/token/jws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void same(struct ts_str part, const uint8_t *bytes, size_t len,
                 struct ts_arena *arena)
{
    size_t n = 0;
    void *p;

    TS_REQUIRE(ts_arena_alloc(arena, BASE64URL_LEN(len) + 1, &p) == TS_OK);
    TS_REQUIRE(base64url_encode(bytes, len, p, BASE64URL_LEN(len), &n) ==
               TS_OK);
    TS_REQUIRE(n == part.len && memcmp(p, part.ptr, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t pk[TRUST_PK_LEN] = {
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
        0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
        0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
    char *exact = ts_mem_alloc(len > 0 ? len : 1);
    struct ts_arena arena;
    struct jws j;

    TS_REQUIRE(exact != NULL);
    if (len > 0)
        memcpy(exact, data, len);
    ts_arena_init(&arena, 1u << 20);
    if (jws_split((struct ts_str){.ptr = exact, .len = len}, &arena, &j) ==
        TS_OK) {
        size_t head = BASE64URL_LEN(j.header.len);
        size_t body = BASE64URL_LEN(j.payload.len);
        struct ts_str part = {.ptr = exact, .len = head};

        TS_REQUIRE(j.signing_input.len == head + 1 + body);
        same(part, (const uint8_t *)j.header.ptr, j.header.len, &arena);
        part = (struct ts_str){.ptr = exact + head + 1, .len = body};
        same(part, (const uint8_t *)j.payload.ptr, j.payload.len, &arena);
        part.ptr += body + 1;
        part.len = len - head - body - 2;
        same(part, j.sig.ptr, j.sig.len, &arena);
        /* the one token of RFC 8037 is in the corpus and may */
        if (jws_verify(&j, pk) == TS_OK)
            TS_REQUIRE(ts_str_eq_c(j.payload, "Example of Ed25519 signing"));
    }
    ts_arena_done(&arena);
    ts_mem_free(exact);
    return 0;
}
