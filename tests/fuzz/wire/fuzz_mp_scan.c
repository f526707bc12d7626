/* What mp_scan accepts, msgpack-c accepts with an equal value; every prefix of
 * it is refused. */
#include <msgpack.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/wire/mp_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_accepted(const uint8_t *buf, size_t len)
{
    msgpack_zone *zone = msgpack_zone_new(4096);
    msgpack_sbuffer out;
    msgpack_packer pk;
    msgpack_object o;
    struct mp_reader r;
    size_t off = 0;

    TS_REQUIRE(zone != NULL);
    msgpack_sbuffer_init(&out);
    TS_REQUIRE(msgpack_unpack((const char *)buf, len, &off, zone, &o) ==
                   MSGPACK_UNPACK_SUCCESS &&
               off == len);
    msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
    TS_REQUIRE(msgpack_pack_object(&pk, o) == 0);
    TS_REQUIRE(out.size == len && memcmp(out.data, buf, len) == 0);
    msgpack_sbuffer_destroy(&out);
    msgpack_zone_free(zone);
    TS_REQUIRE(mp_scan(buf, len - 1) != TS_OK);
    mp_reader_init(&r, buf, len);
    TS_REQUIRE(mp_read_raw(&r, len).len == len && mp_done(&r) == TS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *exact = ts_mem_alloc(len > 0 ? len : 1);

    TS_REQUIRE(exact != NULL);
    if (len > 0)
        memcpy(exact, data, len);
    if (mp_scan(exact, len) == TS_OK)
        check_accepted(exact, len);
    ts_mem_free(exact);
    return 0;
}
