#include "proto/msg/code.h"

const char *call_code_name(enum call_code c)
{
    switch (c) {
#define X(id, name, text)                                                      \
    case CODE_##id:                                                            \
        return name;
        CALL_CODE_MAP(X)
#undef X
    case CODE_COUNT_:
        break;
    }
    return "internal"; /* a value outside the enum is a bug; it denies */
}

const char *call_code_text(enum call_code c)
{
    switch (c) {
#define X(id, name, text)                                                      \
    case CODE_##id:                                                            \
        return text;
        CALL_CODE_MAP(X)
#undef X
    case CODE_COUNT_:
        break;
    }
    return call_code_text(CODE_INTERNAL);
}

enum call_code call_code_parse(struct ts_str name)
{
    for (int c = 0; c < CODE_COUNT_; c++)
        if (ts_str_eq_c(name, call_code_name((enum call_code)c)))
            return (enum call_code)c;
    return CODE_INTERNAL;
}

const char *end_reason_name(enum end_reason r)
{
    switch (r) {
#define X(id, name)                                                            \
    case END_##id:                                                             \
        return name;
        END_REASON_MAP(X)
#undef X
    case END_COUNT_:
        break;
    }
    return "lost"; /* a value outside the enum: nothing is known of the end */
}

bool end_reason_parse(struct ts_str name, enum end_reason *ret)
{
    for (int r = 0; r < END_COUNT_; r++) {
        if (!ts_str_eq_c(name, end_reason_name((enum end_reason)r)))
            continue;
        *ret = (enum end_reason)r;
        return true;
    }
    return false;
}
