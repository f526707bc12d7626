/* A decision and its reasons as a tree of clauses, for people. */
#include <string.h>

#include "cli/policy/explain/view.h"
#include "cli/term.h"

#define CLAUSE_CAP 96  /* bytes of a clause's text that are shown */
#define VALUE_CAP  120 /* bytes of a value's text */
#define NOWHERE    UINT32_MAX
#define AFAR_MAX   10 /* policies whose scope said no that are shown */
#define DEPTH_MAX  64 /* nesting that is drawn; below it only the text */

const struct ts_str explain_no_memory = {.ptr = "(no memory)",
                                         .len = sizeof("(no memory)") - 1};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct ts_str explain_text(const struct explain_view *v, struct cedar_span span,
                           size_t cap)
{
    const struct pol_files *files = &v->set->files;
    struct ts_str s = {.ptr = "", .len = 0};
    size_t from, to, n = 0;
    char *out;
    void *mem;

    if (span.source >= files->count || span.line == 0)
        return s;
    s = files->list[span.source].text;
    from = span.offset < s.len ? span.offset : s.len;
    to = span.len < s.len - from ? from + span.len : s.len;
    if (ts_arena_alloc(v->arena, to - from + 4, &mem) != TS_OK)
        return explain_no_memory;
    out = mem;
    for (size_t i = from; i < to; i++) {
        if (n + 3 > cap && ((unsigned char)s.ptr[i] & 0xC0) != 0x80) {
            memcpy(out + n, "...", 3);
            return (struct ts_str){.ptr = out, .len = n + 3};
        }
        if (!is_blank(s.ptr[i]))
            out[n++] = s.ptr[i];
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    return (struct ts_str){.ptr = out, .len = n};
}

bool explain_is_open(const struct explain_view *v, const struct cedar_clause *c)
{
    struct ts_str s;

    if (c->kind > CEDAR_CLAUSE_RESOURCE)
        return false;
    if (c->span.line == 0)
        return true;
    s = explain_text(v, c->span, 16);
    return ts_str_eq_c(s, "principal") || ts_str_eq_c(s, "action") ||
           ts_str_eq_c(s, "resource");
}

static uint32_t first_child(const struct cedar_policy_result *r,
                            const struct cedar_clause *clauses, uint32_t c)
{
    for (uint32_t i = c + 1; i < r->clause_count; i++)
        if (clauses[i].parent == c)
            return i;
    return NOWHERE;
}

enum cedar_outcome explain_outcome(const struct cedar_clause *clauses,
                                   const struct cedar_policy_result *r,
                                   uint32_t clause)
{
    enum cedar_outcome o = r->clauses[clause].outcome;
    uint32_t kid = NOWHERE;

    if (clauses[clause].kind == CEDAR_CLAUSE_UNLESS ||
        clauses[clause].kind == CEDAR_CLAUSE_NOT)
        kid = first_child(r, clauses, clause);
    if (kid == NOWHERE)
        return o;
    o = explain_outcome(clauses, r, kid);
    if (o == CEDAR_TRUE)
        return CEDAR_FALSE;
    return o == CEDAR_FALSE ? CEDAR_TRUE : o;
}

struct drawing {
    const struct explain_view *v;
    const struct cedar_clause *clauses;
    const struct cedar_policy_result *r;
    bool more[DEPTH_MAX]; /* a sibling follows at this depth */
};

static const char *colour_of(const struct term *t, enum cedar_outcome o)
{
    if (o == CEDAR_TRUE)
        return t->green;
    if (o == CEDAR_FALSE)
        return t->red;
    return o == CEDAR_FAILED ? t->yellow : t->dim;
}

static const char *mark_of(const struct pol_marks *m, enum cedar_outcome o)
{
    if (o == CEDAR_TRUE)
        return m->yes;
    if (o == CEDAR_FALSE)
        return m->no;
    return o == CEDAR_FAILED ? m->failed : m->skipped;
}

static void margin(const struct explain_view *v)
{
    (void)printf("%*s", (int)v->indent, "");
}

/* The lines that lead to a node, or to what stands below it. */
static void branches(const struct drawing *d, unsigned depth, bool below)
{
    const struct pol_marks *m = &d->v->marks;

    margin(d->v);
    (void)printf("  %s", d->v->t.dim);
    for (unsigned i = 1; i < depth; i++)
        (void)fputs(d->more[i] ? m->bar : m->blank, stdout);
    if (depth > 0 && !below)
        (void)fputs(d->more[depth] ? m->branch : m->last, stdout);
    else if (depth > 0)
        (void)fputs(d->more[depth] ? m->bar : m->blank, stdout);
    (void)fputs(d->v->t.reset, stdout);
}

/* Of what `has` asked: the names are enough, and a context is long. */
static bool put_keys(const struct drawing *d, uint32_t c,
                     const struct cedar_operand *op)
{
    struct ts_str text = explain_text(d->v, d->clauses[c].span, SIZE_MAX);
    size_t n;

    if (op->value.kind != CEDAR_RECORD || op->path.len == 0 ||
        memmem(text.ptr, text.len, " has ", 5) == NULL)
        return false;
    n = cedar_record_count(op->value.as.record);
    term_put(stdout, op->path);
    (void)printf(" has %s%s", d->v->t.reset, d->v->t.cyan);
    for (size_t i = 0; i < n; i++) {
        (void)fputs(i > 0 ? ", " : "", stdout);
        term_put(stdout, cedar_record_at(op->value.as.record, i)->key);
    }
    (void)printf("%s%s\n", n == 0 ? "nothing" : "", d->v->t.reset);
    return true;
}

static void put_values(const struct drawing *d, unsigned depth, uint32_t c)
{
    const struct cedar_clause_result *r = &d->r->clauses[c];

    for (uint32_t i = 0; i < r->operand_count; i++) {
        const struct cedar_operand *op = &r->operands[i];
        struct ts_str name = op->path.len > 0
                                 ? op->path
                                 : explain_text(d->v, op->span, CLAUSE_CAP);

        branches(d, depth, true);
        (void)printf("    %s", d->v->t.dim);
        if (put_keys(d, c, op))
            continue;
        term_put(stdout, name);
        (void)printf(" = %s%s", d->v->t.reset, d->v->t.cyan);
        term_put(stdout, explain_value(d->v, op, VALUE_CAP));
        (void)printf("%s\n", d->v->t.reset);
    }
}

static void put_scope_value(const struct drawing *d, uint32_t c)
{
    const struct cedar_request *req = d->v->req;
    enum cedar_clause_kind k = d->clauses[c].kind;
    const struct cedar_uid *uid =
        k == CEDAR_CLAUSE_PRINCIPAL
            ? &req->principal
            : (k == CEDAR_CLAUSE_ACTION ? &req->action : &req->resource);
    const char *name = explain_kind_name(k);

    branches(d, 0, true);
    (void)printf("    %s%s = %s%s", d->v->t.dim, name, d->v->t.reset,
                 d->v->t.cyan);
    term_put(stdout, explain_variable(d->v, name, uid, VALUE_CAP));
    (void)printf("%s\n", d->v->t.reset);
}

static const char *heading(enum cedar_clause_kind k)
{
    switch (k) {
    case CEDAR_CLAUSE_WHEN:
        return "when";
    case CEDAR_CLAUSE_UNLESS:
        return "unless";
    case CEDAR_CLAUSE_AND:
        return "all of";
    case CEDAR_CLAUSE_OR:
        return "any of";
    case CEDAR_CLAUSE_NOT:
        return "not";
    case CEDAR_CLAUSE_IF:
        return "if, then, else";
    case CEDAR_CLAUSE_PRINCIPAL:
    case CEDAR_CLAUSE_ACTION:
    case CEDAR_CLAUSE_RESOURCE:
    case CEDAR_CLAUSE_TEST:
        break;
    }
    return "";
}

static bool is_leaf(const struct drawing *d, uint32_t c)
{
    return first_child(d->r, d->clauses, c) == NOWHERE;
}

/* Mark, words, and whether this is the one that decides. */
static void put_clause(const struct drawing *d, unsigned depth, uint32_t c,
                       const char *before, bool whole)
{
    const struct explain_view *v = d->v;
    enum cedar_outcome o = explain_outcome(d->clauses, d->r, c);

    branches(d, depth, false);
    (void)printf("%s%s%s %s", colour_of(&v->t, o), mark_of(&v->marks, o),
                 o == CEDAR_NOT_EVALUATED ? "" : v->t.reset, before);
    if (whole) {
        (void)fputs(*before != '\0' ? " " : "", stdout);
        term_put(stdout, explain_text(v, d->clauses[c].span, CLAUSE_CAP));
    }
    (void)fputs(v->t.reset, stdout);
    if (d->r->decisive == c && d->r->outcome != CEDAR_TRUE)
        (void)printf("  %s%s%s", v->t.bold, v->marks.decisive, v->t.reset);
    (void)fputc('\n', stdout);
}

static void draw(struct drawing *d, unsigned depth, uint32_t c,
                 const char *before);

/* A chain of the same operator is one list. */
static void draw_kids(struct drawing *d, unsigned depth, uint32_t c)
{
    uint32_t last = NOWHERE;

    for (uint32_t i = c + 1; i < d->r->clause_count; i++)
        if (d->clauses[i].parent == c)
            last = i;
    for (uint32_t i = c + 1; i < d->r->clause_count; i++) {
        if (d->clauses[i].parent != c)
            continue;
        d->more[depth + 1] = i != last;
        draw(d, depth + 1, i, "");
    }
}

static void draw(struct drawing *d, unsigned depth, uint32_t c,
                 const char *before)
{
    enum cedar_clause_kind k = d->clauses[c].kind;
    uint32_t kid = first_child(d->r, d->clauses, c);
    bool skipped = d->r->clauses[c].outcome == CEDAR_NOT_EVALUATED;
    char both[48];

    if (is_leaf(d, c) || skipped || depth + 2 >= DEPTH_MAX) {
        put_clause(d, depth, c, before, true);
        put_values(d, depth, c);
        return;
    }
    if (k == CEDAR_CLAUSE_WHEN &&
        (d->r->decisive != c || d->r->outcome == CEDAR_TRUE)) {
        draw(d, depth, kid, "when"); /* one line with what it holds */
        return;
    }
    (void)snprintf(both, sizeof(both), "%s%s%s", before,
                   *before != '\0' ? " " : "", heading(k));
    put_clause(d, depth, c, both, false);
    draw_kids(d, depth, c);
}

static void put_title(const struct explain_view *v, uint32_t policy)
{
    struct cedar_policy_info info =
        cedar_policies_info(v->set->compiled, policy);
    enum cedar_outcome o = v->why->policies[policy].outcome;
    const struct pol_files *files = &v->set->files;

    margin(v);
    (void)printf("%s%s%s %s%s ", colour_of(&v->t, o), mark_of(&v->marks, o),
                 v->t.reset, v->t.bold,
                 info.effect == CEDAR_PERMIT ? "permit" : "forbid");
    term_put(stdout, info.id);
    (void)printf("%s %s", v->t.reset,
                 o == CEDAR_TRUE     ? "is satisfied"
                 : o == CEDAR_FAILED ? "failed"
                                     : "is not satisfied");
    for (uint32_t i = 0; i < v->answer->error_count; i++)
        if (v->answer->errors[i].policy == policy)
            (void)printf(": %s%s%s", v->t.yellow, v->answer->errors[i].text,
                         v->t.reset);
    if (info.span.source < files->count && info.span.line > 0)
        (void)printf("  %s%s:%u%s", v->t.dim,
                     files->list[info.span.source].name, info.span.line,
                     v->t.reset);
    (void)fputc('\n', stdout);
}

void explain_print_policy(const struct explain_view *v, uint32_t policy)
{
    struct drawing d = {.v = v, .r = &v->why->policies[policy]};
    size_t n = cedar_policies_clauses(v->set->compiled, policy, &d.clauses);

    put_title(v, policy);
    if (n != d.r->clause_count)
        return; /* nothing was recorded for it */
    for (uint32_t c = 0; c < d.r->clause_count; c++) {
        enum cedar_outcome o = d.r->clauses[c].outcome;

        if (d.clauses[c].parent != NOWHERE || explain_is_open(v, &d.clauses[c]))
            continue;
        if (d.clauses[c].kind > CEDAR_CLAUSE_RESOURCE) {
            draw(&d, 0, c, "");
            continue;
        }
        put_clause(&d, 0, c, "", true);
        if (o == CEDAR_FALSE || o == CEDAR_FAILED)
            put_scope_value(&d, c);
    }
}

static void put_head(const struct explain_view *v)
{
    static const char *const names[] = {"principal", "action", "resource"};
    const struct cedar_uid *uids[] = {&v->req->principal, &v->req->action,
                                      &v->req->resource};
    const struct cedar_answer *a = v->answer;

    margin(v);
    pol_put_decision(stdout, &v->t, a->decision);
    for (size_t i = 0; i < 3; i++) {
        (void)printf(" %s ", i > 0 ? v->marks.dot : "");
        term_put(stdout, explain_variable(v, names[i], uids[i], VALUE_CAP));
    }
    (void)fputc('\n', stdout);
    margin(v);
    if (a->reason_count == 0) {
        (void)printf("because no permit is satisfied");
    } else {
        (void)printf("because of %s ",
                     a->decision == CEDAR_ALLOW ? "permit" : "forbid");
        pol_put_ids(stdout, v->set->compiled, a->reasons, a->reason_count);
    }
    if (a->error_count > 0)
        (void)printf("; %s failed", pol_count(a->error_count, "policy").s);
    (void)fputc('\n', stdout);
    explain_box_print(v);
}

static void put_hidden(const struct explain_view *v, uint32_t n,
                       const char *what)
{
    if (n == 0)
        return;
    (void)fputc('\n', stdout);
    margin(v);
    (void)printf("%s%s of other %s not shown%s%s\n", v->t.dim,
                 pol_count(n, "policy").s, what,
                 v->indent == 0 ? " (--all shows them)" : "", v->t.reset);
}

void explain_print(const struct explain_view *v)
{
    uint32_t n, others = 0, afar = 0;
    const uint32_t *order = explain_order(v, &n);

    put_head(v);
    for (uint32_t i = 0; i < n; i++) {
        if (!v->all && !explain_is_shown(v, order[i])) {
            others++;
            continue;
        }
        if (!v->all && explain_is_afar(v, order[i]) && ++afar > AFAR_MAX)
            continue;
        (void)fputc('\n', stdout);
        explain_print_policy(v, order[i]);
    }
    put_hidden(v, afar > AFAR_MAX ? afar - AFAR_MAX : 0,
               "principals or resources");
    put_hidden(v, others, "actions");
}
