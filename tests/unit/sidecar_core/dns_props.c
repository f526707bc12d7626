#include "tests/unit/sidecar_core/dns_props.h"

#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/common/dns_text.h"

#define LINES_MAX 1024 /* CONTROL_RESOLV_MAX */

/* Nothing but servers in the one spelling: read again they are the same. */
static void check_csv(const char *csv)
{
    char again[DNS_CSV_MAX], one[DNS_SERVER_MAX];
    size_t len = strlen(csv), count = 1;

    TS_REQUIRE(len > 0 && len < DNS_CSV_MAX);
    TS_REQUIRE(strspn(csv, "0123456789abcdefABCDEF.:[],") == len);
    for (const char *p = csv; (p = strchr(p, ',')) != NULL; p++)
        count++;
    TS_REQUIRE(count <= DNS_SERVERS_MAX);
    TS_REQUIRE(dns_servers(ts_str_of(csv), ts_str_of(""), again) == TS_OK);
    TS_REQUIRE(strcmp(csv, again) == 0);
    if (count == 1)
        TS_REQUIRE(dns_server(ts_str_of(csv), one) && strcmp(csv, one) == 0);
}

static void check_lines(struct ts_str text)
{
    char all[LINES_MAX], again[LINES_MAX], few[40];
    struct ts_str s = dns_lines(text, all, sizeof(all)), t;

    TS_REQUIRE(s.len <= sizeof(all) && ts_utf8_valid(s.ptr, s.len));
    TS_REQUIRE(s.len == 0 || s.ptr[s.len - 1] == '\n');
    t = dns_lines(s, again, sizeof(again)); /* it keeps them all */
    TS_REQUIRE(t.len == s.len && memcmp(all, again, t.len) == 0);
    s = dns_lines(text, few, sizeof(few));
    TS_REQUIRE(s.len <= sizeof(few));
}

void dns_props_check(const void *bytes, size_t len)
{
    const struct ts_str text = {.ptr = bytes, .len = len};
    char csv[DNS_CSV_MAX] = "untouched", one[DNS_SERVER_MAX] = "untouched";

    if (dns_server(text, one))
        check_csv(one);
    else
        TS_REQUIRE(strcmp(one, "untouched") == 0);
    if (dns_servers(text, ts_str_of(""), csv) == TS_OK)
        check_csv(csv);
    else
        TS_REQUIRE(strcmp(csv, "untouched") == 0);
    if (dns_servers(ts_str_of(""), text, csv) == TS_OK)
        check_csv(csv);
    check_lines(text);
}
