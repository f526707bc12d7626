/* The smp cursor, walked by what it finds: whatever it reads to the end is
 * strict msgpack as well, and errors stay. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/smp.h"
#include "proto/wire/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void walk(struct smp *s, unsigned depth)
{
    uint32_t n;

    switch (mp_peek(&s->r)) {
    case MP_UINT:
        (void)smp_uint(s);
        break;
    case MP_STR:
        (void)smp_str(s, SIZE_MAX);
        break;
    case MP_BIN:
        (void)smp_bin(s, SIZE_MAX);
        break;
    case MP_ARRAY:
        n = smp_array(s);
        if (depth == TS_MP_DEPTH_MAX)
            mp_fail(&s->r, TS_E_LIMIT, "deep");
        for (uint32_t i = 0; i < n && s->r.error == TS_OK; i++)
            walk(s, depth + 1);
        break;
    case MP_NINT:
    case MP_MAP:
    case MP_BOOL:
    case MP_NIL:
    case MP_FLOAT:
    case MP_NONE:
        (void)smp_uint(s); /* none of these is part of the profile */
        TS_REQUIRE(smp_error(s) != TRUST_OK);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *exact = ts_mem_alloc(len > 0 ? len : 1);
    struct smp s;

    TS_REQUIRE(exact != NULL);
    if (len > 0)
        memcpy(exact, data, len);
    smp_init(&s, (struct ts_bytes){.ptr = exact, .len = len});
    walk(&s, 0);
    if (smp_done(&s) == TRUST_OK)
        TS_REQUIRE(mp_scan(exact, len) == TS_OK);
    else
        TS_REQUIRE(smp_bin(&s, 1).len == 0 && smp_uint(&s) == 0 &&
                   smp_done(&s) != TRUST_OK);
    ts_mem_free(exact);
    return 0;
}
