/*
 * The four constructors of extension values. Properties: a refusal says why;
 * what is accepted prints as a constructor call whose argument gives the same
 * value again; an address without a prefix is one for inet_pton(3), too, and
 * has the same bytes. Input: which constructor, then its text.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "policy/core/ext.h"
#include "policy/core/limits.h"
#include "policy/core/value.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct {
    enum cedar_ext fn;
    enum cedar_kind kind;
} makers[] = {{CEDAR_EXT_IP, CEDAR_IPADDR},
              {CEDAR_EXT_DECIMAL, CEDAR_DECIMAL},
              {CEDAR_EXT_DATETIME, CEDAR_DATETIME},
              {CEDAR_EXT_DURATION, CEDAR_DURATION}};
#define MAKERS (sizeof(makers) / sizeof(makers[0]))

static bool make(enum cedar_ext fn, struct ts_str text, struct cedar_value *ret,
                 struct cedar_fault *f)
{
    const struct cedar_value arg = cedar_string(text);

    return cedar_ext_call(fn, &arg, 1, ret, f);
}

/* What stands between the quotes of `name("...")`. */
static struct ts_str argument(const char *call)
{
    const char *from = strchr(call, '"'), *to = strrchr(call, '"');

    TS_REQUIRE(from != NULL && to > from);
    return (struct ts_str){.ptr = from + 1, .len = (size_t)(to - from) - 1};
}

static void check_address(struct ts_str text, const struct cedar_ip *ip)
{
    char name[CEDAR_IP_TEXT_MAX + 1];
    uint8_t addr[16] = {0};

    if (text.len > CEDAR_IP_TEXT_MAX || memchr(text.ptr, '/', text.len) != NULL)
        return;
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    TS_REQUIRE(inet_pton(ip->v6 ? AF_INET6 : AF_INET, name, addr) == 1);
    TS_REQUIRE(memcmp(addr, ip->addr, ip->v6 ? 16 : 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cedar_value v = {0}, again = {0};
    struct cedar_fault f = {0};
    struct ts_str text;
    char call[128];
    size_t which;

    if (len == 0)
        return 0;
    which = data[0] % MAKERS;
    text = (struct ts_str){(const char *)data + 1, len - 1};
    if (!make(makers[which].fn, text, &v, &f)) {
        TS_REQUIRE(f.code != NULL && f.text[0] != '\0');
        return 0;
    }
    TS_REQUIRE(v.kind == makers[which].kind);
    TS_REQUIRE(cedar_value_print(&v, call, sizeof(call)) < sizeof(call) - 1);
    TS_REQUIRE(make(makers[which].fn, argument(call), &again, &f));
    TS_REQUIRE(cedar_value_eq(&v, &again));
    if (v.kind == CEDAR_IPADDR)
        check_address(text, &v.as.ip);
    return 0;
}
