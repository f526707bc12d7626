/* The gate's three records: what the recorder demands of them is there, they
 * fit their buffer with the longest of everything, and no shorter one is
 * written. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/gate/steps/egress_record.h"
#include "sidecar/recorder/record.h"

static char long_id[TS_ID_MAX], long_path[EGRESS_PATH_MAX];

static struct egress_who who(void)
{
    const struct ts_str id = {.ptr = long_id, .len = sizeof(long_id)};

    return (struct egress_who){id, id, id, TS_STR_LIT("web.get")};
}

static struct egress_what what(void)
{
    return (struct egress_what){
        .order_id = 7,
        .decision_id = {1, 2, 3},
        .tool = TS_STR_LIT("web.get"),
        .host = {.ptr = long_path, .len = EGRESS_HOST_MAX},
        .port = 443,
        .address_len = 16,
        .address = {0x20, 1},
        .via = EGRESS_VIA_HTTP,
        .method = {.ptr = long_path, .len = EGRESS_METHOD_MAX},
        .path = {.ptr = long_path, .len = EGRESS_PATH_MAX}};
}

static ts_err write_one(int kind, uint8_t *buf, size_t cap, size_t *ret)
{
    const struct egress_who w = who();
    const struct egress_opened o = {.conn_id = UINT64_MAX, .what = what()};
    const struct egress_denied d = {
        .what = what(), .code = EGRESS_HOST_DENIED, .count = UINT64_MAX};
    const struct egress_closed c = {.conn_id = UINT64_MAX,
                                    .order_id = 7,
                                    .decision_id = {1, 2, 3},
                                    .bytes_out = UINT64_MAX,
                                    .bytes_in = UINT64_MAX,
                                    .ms = UINT64_MAX,
                                    .requests = UINT64_MAX};

    if (kind == RECORD_EGRESS_OPENED)
        return egress_record_opened(&w, &o, buf, cap, ret);
    if (kind == RECORD_EGRESS_DENIED)
        return egress_record_denied(&w, &d, buf, cap, ret);
    return egress_record_closed(&w, &c, o.what.host, 443, buf, cap, ret);
}

static void every_record_is_one_that_the_recorder_takes(void **state)
{
    (void)state;
    memset(long_id, 'x', sizeof(long_id));
    memset(long_path, '/', sizeof(long_path));
    for (int k = RECORD_EGRESS_OPENED; k <= RECORD_EGRESS_DENIED; k++) {
        static uint8_t buf[EGRESS_RECORD_MAX];
        const char *why = "";
        struct record r;
        size_t n = 0;

        assert_int_equal(write_one(k, buf, sizeof(buf), &n), TS_OK);
        assert_int_equal(record_parse(buf, n, false, &r, &why), TS_OK);
        assert_int_equal(r.kind, k);
        assert_int_equal(r.id[1], 2);
        for (size_t cap = 0; cap < n; cap += 97) {
            size_t m = 0;

            assert_int_equal(write_one(k, buf, cap, &m), TS_E_LIMIT);
            assert_int_equal(m, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_is_one_that_the_recorder_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
