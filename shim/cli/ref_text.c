#include "shim/cli/ref_text.h"

#include <string.h>

#include "proto/wire/limits.h"

static const char head[] = "$ref:", call_head[] = "call-";

bool ref_text_is(struct ts_str text)
{
    return text.len >= sizeof(head) - 1 &&
           memcmp(text.ptr, head, sizeof(head) - 1) == 0;
}

static bool is_call(struct ts_str s)
{
    const size_t n = sizeof(call_head) - 1;

    if (s.len <= n || s.len > TS_REF_MAX || memcmp(s.ptr, call_head, n) != 0 ||
        s.ptr[n] == '0')
        return false;
    for (size_t i = n; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return true;
}

static bool is_pointer(struct ts_str s)
{
    if (s.len > 0 && s.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '~' &&
            (i + 1 == s.len || (s.ptr[i + 1] != '0' && s.ptr[i + 1] != '1')))
            return false;
    return true;
}

ts_err ref_text_parse(struct ts_str text, struct ref_text *ret)
{
    struct ref_text r;
    const char *hash;

    if (!ref_text_is(text))
        return TS_E_INVALID;
    text.ptr += sizeof(head) - 1;
    text.len -= sizeof(head) - 1;
    hash = text.len > 0 ? memchr(text.ptr, '#', text.len) : NULL;
    r.call = (struct ts_str){.ptr = text.ptr,
                             .len = hash != NULL ? (size_t)(hash - text.ptr)
                                                 : text.len};
    r.path = TS_STR_LIT("");
    if (hash != NULL)
        r.path =
            (struct ts_str){.ptr = hash + 1, .len = text.len - r.call.len - 1};
    if (!is_call(r.call) || !is_pointer(r.path))
        return TS_E_INVALID;
    *ret = r;
    return TS_OK;
}
