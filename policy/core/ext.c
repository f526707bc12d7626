#include "policy/core/ext.h"

#include "policy/core/diag.h"
#include "policy/core/lit.h"
#include "policy/core/value.h"

static const struct cedar_ext_info infos[CEDAR_EXT_COUNT] = {
#define X(id, text, args, meth)                                                \
    [CEDAR_EXT_##                                                              \
        id] = {.name = CEDAR_LIT(text), .arity = (args), .method = (meth)},
    CEDAR_EXT_MAP(X)
#undef X
};

const struct cedar_ext_info *cedar_ext_info(enum cedar_ext fn)
{
    return &infos[fn];
}

bool cedar_ext_find(struct ts_str name, enum cedar_ext *ret)
{
    for (unsigned i = 0; i < CEDAR_EXT_COUNT; i++) {
        if (ts_str_eq(name, infos[i].name)) {
            *ret = (enum cedar_ext)i;
            return true;
        }
    }
    return false;
}

bool cedar_ext_need(const struct cedar_value *v, enum cedar_kind kind,
                    struct cedar_fault *f)
{
    if (v->kind == kind)
        return true;
    cedar_fault_type(f, cedar_kind_name(kind), v);
    return false;
}

void cedar_ext_bad_text(struct cedar_fault *f, const char *type,
                        struct ts_str text, const char *why)
{
    struct cedar_quoted q = cedar_quote(text);

    cedar_fault_set(f, "extension_error", "\"%.60s\" is not a valid %s: %s",
                    q.s, type, why);
}

bool cedar_ext_call(enum cedar_ext fn, const struct cedar_value *args,
                    uint32_t count, struct cedar_value *ret,
                    struct cedar_fault *f)
{
    const struct cedar_ext_info *info = &infos[fn];

    if (count != info->arity) {
        cedar_fault_set(f, "wrong_arity",
                        "wrong number of arguments provided to extension "
                        "function `%s`: expected %u, got %u",
                        info->name.ptr, info->arity, count);
        return false;
    }
    if (fn <= CEDAR_EXT_IS_IN_RANGE)
        return cedar_ext_ip(fn, args, ret, f);
    if (fn <= CEDAR_EXT_GREATER_EQ)
        return cedar_ext_decimal(fn, args, ret, f);
    if (fn <= CEDAR_EXT_TO_TIME)
        return cedar_ext_datetime(fn, args, ret, f);
    return cedar_ext_duration(fn, args, ret, f);
}
