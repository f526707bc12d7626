/* Conditions per call. */
#include "sidecar/sandbox/cond.h"
#include "sidecar/sandbox/read_priv.h"

static ts_err add_conditions(struct reading *r, const char *call,
                             const struct yaml_node *list, uint32_t action,
                             struct sandbox_clause *all, uint32_t *io_count)
{
    struct sandbox_why why = {""};

    if (list == NULL)
        return TS_OK;
    if (list->kind != YAML_KIND_LIST || list->first == NULL)
        return read_fail(r, list->line,
                         "expected a list of conditions: [\"arg1 == 0\"]");
    for (const struct yaml_node *n = list->first; n != NULL; n = n->next) {
        struct ts_str text;
        ts_err e;

        if (!yaml_node_str(n, &text))
            return read_fail(r, n->line, "expected a condition: \"arg1 == 0\"");
        if (*io_count == SANDBOX_CLAUSES_MAX)
            return read_fail(r, n->line, "more than %d conditions for %s",
                             SANDBOX_CLAUSES_MAX, call);
        e = sandbox_cond_parse(call, text, r->arena, &all[*io_count], &why);
        if (e == TS_E_FORMAT)
            return read_fail(r, n->line, "%s: %s", call, why.text);
        if (e != TS_OK)
            return e;
        all[(*io_count)++].action = action;
    }
    return TS_OK;
}

static ts_err read_else(struct reading *r, const struct yaml_node *n,
                        uint32_t *io_action)
{
    struct ts_str w = {"", 0};
    uint32_t err;
    char shown[READ_WORD_MAX];

    if (n == NULL)
        return TS_OK;
    (void)yaml_node_str(n, &w);
    if (ts_str_eq_c(w, "allow"))
        *io_action = SANDBOX_ALLOW;
    else if (ts_str_eq_c(w, "kill"))
        *io_action = SANDBOX_KILL;
    else if (sandbox_errno(w, &err))
        *io_action = SANDBOX_ERRNO(err);
    else
        return read_fail(r, n->line,
                         "\"%s\" is nothing that a call can end in; expected "
                         "allow, kill or an errno such as EPERM",
                         read_word(w, shown));
    return TS_OK;
}

static ts_err read_keys(struct reading *r, const struct yaml_node *n)
{
    char shown[READ_WORD_MAX];

    if (n->kind != YAML_KIND_MAP || n->first == NULL)
        return read_fail(r, n->line,
                         "expected \"allow:\", \"refuse:\" or \"else:\"");
    for (n = n->first; n != NULL; n = n->next) {
        if (!ts_str_eq_c(n->key, "allow") && !ts_str_eq_c(n->key, "refuse") &&
            !ts_str_eq_c(n->key, "else"))
            return read_fail(r, n->line,
                             "unknown key \"%s\"; expected allow, refuse or "
                             "else",
                             read_word(n->key, shown));
    }
    return TS_OK;
}

/* With allow: alone what is not allowed is refused; with refuse: alone what is
 * not refused is allowed. */
static ts_err read_rule(struct reading *r, const struct yaml_node *n,
                        uint32_t index)
{
    const char *name = r->p->calls.list[index].name;
    const struct yaml_node *allow, *refuse, *otherwise;
    struct sandbox_clause all[SANDBOX_CLAUSES_MAX];
    struct sandbox_call c = {.action = SANDBOX_ERRNO(1)};
    void *room;
    ts_err e = read_keys(r, n);

    if (e != TS_OK)
        return e;
    allow = yaml_node_find(n, "allow");
    refuse = yaml_node_find(n, "refuse");
    otherwise = yaml_node_find(n, "else");
    if (allow == NULL && refuse != NULL)
        c.action = SANDBOX_ALLOW;
    if ((e = read_else(r, otherwise, &c.action)) != TS_OK)
        return e;
    /* what refuse: gives is the errno of else:, if that is one */
    if ((e = add_conditions(r, name, refuse,
                            c.action == SANDBOX_ALLOW ? SANDBOX_ERRNO(1)
                                                      : c.action,
                            all, &c.count)) != TS_OK ||
        (e = add_conditions(r, name, allow, SANDBOX_ALLOW, all, &c.count)) !=
            TS_OK)
        return e;
    if (c.count > 0) {
        struct sandbox_clause *copy;

        e = ts_arena_array(r->arena, c.count, sizeof(*copy), &room);
        if (e != TS_OK)
            return e;
        copy = room;
        for (uint32_t i = 0; i < c.count; i++)
            copy[i] = all[i];
        c.clauses = copy;
    }
    return read_call_set(r, index, n->line, &c);
}

ts_err read_rules(struct reading *r, const struct yaml_node *n)
{
    char shown[READ_WORD_MAX];
    ts_err e = TS_OK;

    if (n == NULL)
        return TS_OK;
    if (n->kind != YAML_KIND_MAP)
        return read_fail(r, n->line,
                         "rules must be a map from calls to conditions");
    for (n = n->first; n != NULL && e == TS_OK; n = n->next) {
        int i = sandbox_calls_find(&r->p->calls, n->key);

        if (i < 0) {
            const char *near = sandbox_calls_near(&r->p->calls, n->key);

            return read_fail(r, n->line, "there is no system call \"%s\"%s%s%s",
                             read_word(n->key, shown),
                             near != NULL ? "; did you mean " : "",
                             near != NULL ? near : "", near != NULL ? "?" : "");
        }
        if (r->named[i].kind != LIST_NONE && !r->named[i].by_set)
            return read_fail(r, n->line,
                             "%s stands in a list (line %u) too; it can have "
                             "one meaning only, so remove one",
                             r->p->calls.list[i].name, r->named[i].line);
        e = read_rule(r, n, (uint32_t)i);
    }
    return e;
}
