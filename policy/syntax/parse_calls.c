/* Names of functions and methods that are none, and what they are mistaken
 * for. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/core/ext.h"
#include "policy/core/lit.h"
#include "policy/syntax/parse_priv.h"

static const struct ts_str builtins[] = {
    CEDAR_LIT("contains"), CEDAR_LIT("containsAll"), CEDAR_LIT("containsAny"),
    CEDAR_LIT("isEmpty"),  CEDAR_LIT("hasTag"),      CEDAR_LIT("getTag")};
#define BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

/* All names of one kind, for suggestions. */
struct names {
    struct ts_str s[BUILTINS + CEDAR_EXT_COUNT];
    size_t count;
};

static void collect(struct names *n, bool methods)
{
    n->count = 0;
    for (size_t i = 0; methods && i < BUILTINS; i++)
        n->s[n->count++] = builtins[i];
    for (unsigned i = 0; i < CEDAR_EXT_COUNT; i++) {
        const struct cedar_ext_info *info = cedar_ext_info((enum cedar_ext)i);

        if (info->method == methods)
            n->s[n->count++] = info->name;
    }
}

static bool holds(const struct names *n, struct ts_str name)
{
    for (size_t i = 0; i < n->count; i++)
        if (ts_str_eq(n->s[i], name))
            return true;
    return false;
}

ts_err cedar_parse_refuse_function(struct parser *p, struct ts_str name,
                                   struct cedar_span span)
{
    struct cedar_quoted q = cedar_quote(name);
    struct names n;
    struct parse_hint h;
    const char *hint;

    collect(&n, true);
    if (holds(&n, name)) {
        (void)snprintf(h.s, sizeof(h.s), "call it on a value: x.%s(...)", q.s);
        return cedar_parse_fail(p, span, "needs a value before it", h.s,
                                "`%s` is a method, not a function", q.s);
    }
    collect(&n, false);
    hint =
        cedar_parse_suggest(&h, name, n.s, n.count,
                            "functions are ip, decimal, datetime and duration");
    return cedar_parse_fail(p, span, "no such function", hint,
                            "`%s` is not a valid function", q.s);
}

ts_err cedar_parse_refuse_method(struct parser *p, struct ts_str name,
                                 struct cedar_span span)
{
    static const struct {
        struct ts_str found;
        const char *hint;
    } habits[] = {
        {CEDAR_LIT("startsWith"), "write x like \"start*\""},
        {CEDAR_LIT("endsWith"), "write x like \"*end\""},
        {CEDAR_LIT("matches"), "write x like \"a*b\"; there are no regular "
                               "expressions"},
        {CEDAR_LIT("includes"), "did you mean `contains`?"},
        {CEDAR_LIT("has"), "write x has name, or x.hasTag(\"name\")"},
        {CEDAR_LIT("equals"), "write x == y"},
        {CEDAR_LIT("length"), "sets have .isEmpty(); nothing counts them"},
        {CEDAR_LIT("size"), "sets have .isEmpty(); nothing counts them"},
    };
    struct cedar_quoted q = cedar_quote(name);
    struct names n;
    struct parse_hint h;

    collect(&n, false);
    if (holds(&n, name)) {
        (void)snprintf(h.s, sizeof(h.s), "call it as %s(...)", q.s);
        return cedar_parse_fail(p, span, "takes no value before it", h.s,
                                "`%s` is a function, not a method", q.s);
    }
    for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
        if (ts_str_eq(habits[i].found, name))
            return cedar_parse_fail(p, span, "no such method", habits[i].hint,
                                    "`%s` is not a valid method", q.s);
    collect(&n, true);
    return cedar_parse_fail(p, span, "no such method",
                            cedar_parse_suggest(&h, name, n.s, n.count, NULL),
                            "`%s` is not a valid method", q.s);
}
