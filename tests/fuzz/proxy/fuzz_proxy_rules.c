/*
 * Targets and paths. A path in its one spelling stays as it is when it is read
 * again, has no dot segments, no empty ones and no bytes that a URL has not.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/broker/proxy/http_rules.h"
#include "sidecar/broker/proxy/socks5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_path(struct ts_str raw)
{
    static struct http_path p, again; /* large */

    if (http_path_read(raw, &p) != TS_OK)
        return;
    TS_REQUIRE(p.len >= 1 && p.text[0] == '/' && p.len <= raw.len + 1);
    TS_REQUIRE(strlen(p.text) == p.len);
    TS_REQUIRE(strstr(p.text, "//") == NULL);
    TS_REQUIRE(strstr(p.text, "/../") == NULL);
    TS_REQUIRE(strstr(p.text, "/./") == NULL);
    for (size_t i = 0; i < p.len; i++)
        TS_REQUIRE(p.text[i] > 0x20 && p.text[i] < 0x7f);
    TS_REQUIRE(http_path_read((struct ts_str){p.text, p.len}, &again) == TS_OK);
    TS_REQUIRE(again.len == p.len && memcmp(again.text, p.text, p.len) == 0);
    /* a rule with one glob for everything agrees, with one for nothing not */
    TS_REQUIRE(
        rules_path_matches(ts_str_of("/**"), (struct ts_str){p.text, p.len}));
    TS_REQUIRE(
        !rules_path_matches(ts_str_of(""), (struct ts_str){p.text, p.len}));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = malloc(len + 1); /* exact, for the sanitizer */
    struct socks5_request r;
    enum socks5_status status;
    struct http_target t;
    const char *what = NULL;
    struct ts_str raw = {copy, len};
    size_t n = 0;

    if (copy == NULL)
        return 0;
    memcpy(copy, data, len);
    check_path(raw);
    if (http_target_read(raw, &t, &what) == TS_OK) {
        TS_REQUIRE(t.host.len > 0 && t.host.ptr > copy &&
                   t.host.ptr + t.host.len <= copy + len);
        check_path(t.path);
    } else {
        TS_REQUIRE(what != NULL);
    }
    if (http_authority_read(raw, &t, &what) == TS_OK)
        TS_REQUIRE(t.port != 0 && t.host.len > 0);
    if (socks5_greeting_read(data, len, &n) == TS_OK)
        TS_REQUIRE(n >= 3 && n <= len);
    if (socks5_request_read(data, len, &r, &status) == TS_OK)
        TS_REQUIRE(r.len <= len && strlen(r.host) == r.host_len &&
                   r.host_len > 0);
    free(copy);
    return 0;
}
