/*
 * @counts("pay,mails") and @sums("spent=amount") make a permit count the calls
 * that it permits; policies of the same set read the counters as tags of
 * context.uses and context.sums. A name that no permit counts would be absent
 * for ever, which reads like a limit and is none.
 */
#include <string.h>

#include "policy/core/lit.h"
#include "policy/lint/lint_priv.h"
#include "policy/syntax/walk.h"

/* The name of a counter among those of an annotation: separated by commas, of
 * sums the part before `=`. */
static bool names(struct ts_str list, struct ts_str name)
{
    while (list.len > 0) {
        const char *comma = memchr(list.ptr, ',', list.len);
        struct ts_str one = list;
        const char *is;

        if (comma != NULL)
            one.len = (size_t)(comma - list.ptr);
        list.ptr += one.len;
        list.len -= one.len;
        if (comma != NULL) {
            list.ptr++;
            list.len--;
        }
        while (one.len > 0 && one.ptr[0] == ' ') {
            one.ptr++;
            one.len--;
        }
        is = one.len > 0 ? memchr(one.ptr, '=', one.len) : NULL;
        if (is != NULL)
            one.len = (size_t)(is - one.ptr);
        while (one.len > 0 && one.ptr[one.len - 1] == ' ')
            one.len--;
        if (ts_str_eq(one, name))
            return true;
    }
    return false;
}

static bool is_counted(const struct ast *tree, const char *key,
                       struct ts_str name)
{
    for (const struct ast_policy *p = tree->policies; p != NULL; p = p->next)
        for (const struct ast_annotation *a = p->annotations; a != NULL;
             a = a->next)
            if (ts_str_eq_c(a->key, key) && names(a->value, name))
                return true;
    return false;
}

/* The annotation whose counters are read, or NULL: another entity's tags. */
static const char *counters_of(const struct ast_expr *base)
{
    static const struct ts_str uses[] = {CEDAR_LIT("uses")};
    static const struct ts_str sums[] = {CEDAR_LIT("sums")};

    if (ast_is_path(base, AST_CONTEXT, uses, 1))
        return "counts";
    return ast_is_path(base, AST_CONTEXT, sums, 1) ? "sums" : NULL;
}

static bool look(const struct ast_expr *x, void *arg)
{
    struct lint *l = arg;
    const struct ast_expr *tag;
    const char *key;

    if (x->op != AST_METHOD || (x->sub != AST_HAS_TAG && x->sub != AST_GET_TAG))
        return true;
    if ((key = counters_of(x->first)) == NULL)
        return true;
    tag = x->last;
    if (tag->op != AST_STR)
        lint_report(l, CEDAR_LINT_UNKNOWN_COUNTER, tag->span,
                    "not a name in quotes", "write the counter's name",
                    "which counter is read must stand in the policy");
    else if (!is_counted(l->tree, key, tag->str))
        lint_report(l, CEDAR_LINT_UNKNOWN_COUNTER, tag->span,
                    "no permit of these policies counts it",
                    "write its name into the annotation of a permit",
                    "there is no counter of this name: no permit has @%s with "
                    "it",
                    key);
    return true;
}

void lint_counts(struct lint *l)
{
    const struct ast_policy *p = l->policy;

    for (const struct ast_annotation *a = p->annotations; a != NULL;
         a = a->next)
        if (p->effect == CEDAR_FORBID &&
            (ts_str_eq_c(a->key, "counts") || ts_str_eq_c(a->key, "sums")))
            lint_report(l, CEDAR_LINT_COUNTS_ON_FORBID, a->span,
                        "a forbid permits nothing that could be counted",
                        "put it on the permit whose calls are to be counted",
                        "@%.*s on a forbid", (int)a->key.len, a->key.ptr);
    for (const struct ast_cond *c = p->conds; c != NULL; c = c->next)
        ast_walk(c->expr, look, l);
}
