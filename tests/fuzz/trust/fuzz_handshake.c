/* HELLO, AUTH and WELCOME by the first byte; what is accepted is sent again as
 * the same bytes. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/handshake.h"
#include "proto/wire/frame.h"
#include "proto/wire/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Decodes b as message type and, if it is one, sends it to out. */
static ts_err relay(unsigned type, const uint8_t *b, size_t len,
                    struct ts_buf *out)
{
    struct handshake_hello h;
    struct handshake_auth a;
    struct handshake_welcome w;
    const char *what = NULL;
    ts_err e;

    if (type == 0) {
        if ((e = handshake_hello_decode(b, len, &h, &what)) == TS_OK)
            TS_REQUIRE(handshake_hello_send(out, 1, &h) == TS_OK);
    } else if (type == 1) {
        if ((e = handshake_auth_decode(b, len, &a, &what)) == TS_OK)
            TS_REQUIRE(handshake_auth_send(out, 2, &a) == TS_OK);
    } else {
        if ((e = handshake_welcome_decode(b, len, &w, &what)) == TS_OK)
            TS_REQUIRE(handshake_welcome_send(out, 3, &w) == TS_OK);
    }
    TS_REQUIRE((e == TS_OK) == (what == NULL));
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ts_buf out;
    uint8_t *exact;

    if (len == 0)
        return 0;
    exact = ts_mem_alloc(len);
    TS_REQUIRE(exact != NULL);
    memcpy(exact, data + 1, len - 1);
    ts_buf_init(&out, 1u << 17);
    if (relay(data[0] % 3, exact, len - 1, &out) == TS_OK) {
        struct frame f = {0};
        size_t used = 0;

        TS_REQUIRE(frame_parse(ts_buf_bytes(&out), out.len, TS_FRAME_PREAUTH,
                               &f, &used) == TS_OK);
        TS_REQUIRE(f.len == len - 1 && memcmp(f.body, exact, f.len) == 0);
    }
    ts_buf_done(&out);
    ts_mem_free(exact);
    return 0;
}
