/* Wycheproof and CCTV, with the figures that our libsodium must give. */
#include "tests/lib/ts_test.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

#ifndef SHARED_DIR
#error "the build says where ../shared would be"
#endif

static json_t *load(const char *name)
{
    const char *shared = getenv("TIPSTAFF_SHARED");
    char path[4096];
    json_error_t e;
    json_t *top;

    (void)snprintf(path, sizeof(path), "%s/vectors/%s",
                   shared != NULL ? shared : SHARED_DIR, name);
    if (access(path, R_OK) != 0) {
        (void)printf("SKIPPED: ../shared is absent\n");
        return NULL;
    }
    top = json_load_file(path, 0, &e);
    assert_non_null(top);
    return top;
}

/* Hex of any length up to cap; -1 if it is longer or broken. */
static int unhex(const json_t *v, uint8_t *out, size_t cap)
{
    size_t n = json_string_length(v) / 2;

    if (!json_is_string(v) || n > cap ||
        ts_hex_decode(json_string_value(v), 2 * n, out, n) != TS_OK)
        return -1;
    return (int)n;
}

static bool accepts(const json_t *sig, const uint8_t *msg, size_t len,
                    const uint8_t *pk)
{
    uint8_t s[128];

    /* length first: the library takes exactly 64 */
    return unhex(sig, s, sizeof(s)) == 64 &&
           crypto_sign_verify_detached(s, msg, len, pk) == 0;
}

static void wycheproof_has_no_difference(void **state)
{
    json_t *top = load("ed25519-wycheproof.json");
    const json_t *group, *test;
    size_t g, t, valid = 0, invalid = 0;
    static uint8_t msg[65536];

    (void)state;
    if (top == NULL)
        return;
    json_array_foreach(json_object_get(top, "testGroups"), g, group)
    {
        uint8_t pk[32];

        assert_int_equal(
            unhex(json_object_get(json_object_get(group, "publicKey"), "pk"),
                  pk, sizeof(pk)),
            32);
        json_array_foreach(json_object_get(group, "tests"), t, test)
        {
            const char *result =
                json_string_value(json_object_get(test, "result"));
            int len = unhex(json_object_get(test, "msg"), msg, sizeof(msg));
            bool ok;

            assert_true(len >= 0);
            ok = trust_pk_check(pk) == TS_OK &&
                 accepts(json_object_get(test, "sig"), msg, (size_t)len, pk);
            assert_int_equal(ok, strcmp(result, "valid") == 0);
            valid += ok;
            invalid += !ok;
        }
    }
    assert_int_equal(valid, 88);
    assert_int_equal(invalid, 63);
    json_decref(top);
}

static void cctv_is_accepted_only_under_keys_that_we_refuse(void **state)
{
    json_t *top = load("ed25519-cctv.json");
    const json_t *test;
    size_t i, edge = 0, ordinary = 0;

    (void)state;
    if (top == NULL)
        return;
    assert_int_equal(json_array_size(top), 914);
    json_array_foreach(top, i, test)
    {
        const json_t *m = json_object_get(test, "msg");
        uint8_t pk[32];

        assert_int_equal(unhex(json_object_get(test, "key"), pk, sizeof(pk)),
                         32);
        if (!accepts(json_object_get(test, "sig"),
                     (const uint8_t *)json_string_value(m),
                     json_string_length(m), pk))
            continue;
        if (json_array_size(json_object_get(test, "flags")) > 0) {
            edge++;
            assert_int_not_equal(trust_pk_check(pk), TS_OK);
        } else { /* the one case of the set with nothing odd about it */
            ordinary++;
            assert_int_equal(trust_pk_check(pk), TS_OK);
        }
    }
    assert_int_equal(edge, 42);
    assert_int_equal(ordinary, 1);
    json_decref(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_has_no_difference),
        cmocka_unit_test(cctv_is_accepted_only_under_keys_that_we_refuse),
    };

    if (trust_init() != TS_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
