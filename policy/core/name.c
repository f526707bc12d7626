#include "policy/core/name.h"

#include "policy/core/lit.h"

bool cedar_is_ident_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool cedar_is_ident_char(char c)
{
    return cedar_is_ident_start(c) || (c >= '0' && c <= '9');
}

bool cedar_is_reserved(struct ts_str ident)
{
    static const struct ts_str words[] = {
        CEDAR_LIT("true"), CEDAR_LIT("false"), CEDAR_LIT("if"),
        CEDAR_LIT("then"), CEDAR_LIT("else"),  CEDAR_LIT("in"),
        CEDAR_LIT("is"),   CEDAR_LIT("like"),  CEDAR_LIT("has"),
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (ts_str_eq(ident, words[i]))
            return true;
    return false;
}

bool cedar_is_internal(struct ts_str ident)
{
    return ts_str_eq(ident, TS_STR_LIT("__cedar"));
}

size_t cedar_ident_len(struct ts_str s)
{
    size_t n = 0;

    if (s.len == 0 || !cedar_is_ident_start(s.ptr[0]))
        return 0;
    while (n < s.len && cedar_is_ident_char(s.ptr[n]))
        n++;
    return n;
}

bool cedar_is_ident(struct ts_str s)
{
    return s.len > 0 && cedar_ident_len(s) == s.len;
}

bool cedar_ident_ok(struct ts_str s)
{
    return cedar_is_ident(s) && !cedar_is_reserved(s) && !cedar_is_internal(s);
}

bool cedar_name_ok(struct ts_str name)
{
    for (;;) {
        size_t n = cedar_ident_len(name);
        struct ts_str part = {.ptr = name.ptr, .len = n};

        if (!cedar_ident_ok(part))
            return false;
        if (n == name.len)
            return true;
        if (name.len - n < 3 || name.ptr[n] != ':' || name.ptr[n + 1] != ':')
            return false;
        name.ptr += n + 2;
        name.len -= n + 2;
    }
}

struct ts_str cedar_name_base(struct ts_str name)
{
    for (size_t i = name.len; i > 0; i--)
        if (name.ptr[i - 1] == ':')
            return (struct ts_str){.ptr = name.ptr + i, .len = name.len - i};
    return name;
}
