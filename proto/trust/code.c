#include "proto/trust/code.h"

#include <stddef.h>

const char *trust_code_name(enum trust_code c)
{
    static const char *const name[] = {"OK",
#define X(id, text) #id,
                                       TRUST_CODE_MAP(X)
#undef X
    };

    if ((size_t)c >= sizeof(name) / sizeof(name[0]))
        return "E_INTERNAL";
    return name[c];
}

const char *trust_code_text(enum trust_code c)
{
    static const char *const text[] = {"the delegation is valid",
#define X(id, text) text,
                                       TRUST_CODE_MAP(X)
#undef X
    };

    if ((size_t)c >= sizeof(text) / sizeof(text[0]))
        return "unknown code";
    return text[c];
}
