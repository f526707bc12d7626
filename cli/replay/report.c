/* The score card, for people. */
#include <string.h>

#include "cli/replay/score.h"
#include "cli/term.h"

#define COLUMNS_MAX 5  /* suites side by side; more are only in the JSON */
#define CELL        16 /* characters of one column */

struct printing {
    const struct score *s;
    const struct score_about *a;
    struct term t;
    FILE *out;
    uint64_t total[SCORE_COUNTS];
    uint32_t columns; /* suites that are shown */
};

static void cell(const struct printing *p, const struct score_row *row,
                 const uint64_t n[SCORE_COUNTS])
{
    const struct score_bounds b = score_bounds(row, n);
    char text[64];

    if (!b.has_value)
        (void)snprintf(text, sizeof(text), "-");
    else if (row->is_mean)
        (void)snprintf(text, sizeof(text), "%.2f", b.share);
    else
        (void)snprintf(text, sizeof(text), "%llu %6.2f %%",
                       (unsigned long long)n[row->num], b.share);
    (void)fprintf(p->out, "%*s", CELL, text);
}

static void bar(const struct printing *p, const struct score_row *row)
{
    const char *sign = row->at_least ? ">=" : "<=";
    const char *unit = row->is_mean ? "" : " %";
    double at = row->bar[p->a->label];

    switch (score_met(row, p->a->label, p->total)) {
    case SCORE_MET:
        (void)fprintf(p->out, "  %s%s %g%s  met%s", p->t.green, sign, at, unit,
                      p->t.reset);
        break;
    case SCORE_MISSED:
        (void)fprintf(p->out, "  %s%s %g%s  MISSED%s", p->t.red, sign, at, unit,
                      p->t.reset);
        break;
    case SCORE_NO_BAR:
        break;
    }
}

static void row(const struct printing *p, const struct score_row *r)
{
    const struct score_bounds b = score_bounds(r, p->total);
    char between[64] = "";

    if (b.has_value && !r->is_mean)
        (void)snprintf(between, sizeof(between), "%.1f-%.1f %%", b.low, b.high);
    (void)fprintf(p->out, "  %-34s", r->title);
    for (uint32_t i = 0; i < p->columns; i++)
        cell(p, r, p->s->suites[i].n);
    cell(p, r, p->total);
    (void)fprintf(p->out, "%s%15s%s", p->t.dim, between, p->t.reset);
    bar(p, r);
    (void)fputc('\n', p->out);
}

static void name(const struct printing *p, const char *suite)
{
    size_t n = strlen(suite);

    n = n < CELL - 2 ? n : CELL - 2;
    (void)fprintf(p->out, "%*s", (int)(CELL - n), "");
    term_put(p->out, (struct ts_str){suite, n});
}

static void head(const struct printing *p, const char *section)
{
    (void)fprintf(p->out, "\n%s%c%-35s", p->t.bold, section[0] - 'a' + 'A',
                  section + 1);
    for (uint32_t i = 0; i < p->columns; i++)
        name(p, p->s->suites[i].name);
    (void)fprintf(p->out, "%*s%15s  bar%s\n", CELL, "total", "95 %",
                  p->t.reset);
}

/* What the shares of the next rows are of. */
static void of(const struct printing *p, const struct score_row *r)
{
    char text[80];

    (void)snprintf(text, sizeof(text), "of %s:", score_key(r->den));
    for (char *s = text; *s != '\0'; s++)
        *s = *s == '_' ? ' ' : *s;
    (void)fprintf(p->out, " %s%-35s", p->t.dim, text);
    for (uint32_t i = 0; i < p->columns; i++)
        (void)fprintf(p->out, "%*llu", CELL,
                      (unsigned long long)p->s->suites[i].n[r->den]);
    (void)fprintf(p->out, "%*llu%s\n", CELL,
                  (unsigned long long)p->total[r->den], p->t.reset);
}

static void rows(const struct printing *p)
{
    for (size_t i = 0; i < score_row_count; i++) {
        const struct score_row *r = &score_rows[i], *before = r - 1;
        bool first = i == 0 || strcmp(before->section, r->section) != 0;

        if (first)
            head(p, r->section);
        if (first || before->den != r->den)
            of(p, r);
        row(p, r);
    }
}

static void classes(const struct printing *p)
{
    bool some = false;

    for (enum explain_why i = 0; i < EXPLAIN_CLASSES; i++) {
        const struct explain_class *k = &p->s->classes[i];
        bool is_bad = i == EXPLAIN_UNEXPLAINED && k->count > 0;

        if (k->count == 0 && i != EXPLAIN_UNEXPLAINED)
            continue;
        if (!some)
            (void)fprintf(p->out, "\n%sDisagreements with %s%s\n", p->t.bold,
                          p->a->reference, p->t.reset);
        some = true;
        (void)fprintf(p->out, "  %s%-24s %6llu%s  (%llu of attacks)  %s\n",
                      is_bad ? p->t.red : "", explain_why_key(i),
                      (unsigned long long)k->count, p->t.reset,
                      (unsigned long long)k->attacks, explain_why_text(i));
        if (k->count == 0)
            continue;
        (void)fprintf(p->out, "    %ssuch as ", p->t.dim);
        term_put(p->out, ts_str_of(k->example));
        (void)fprintf(p->out, "%s\n", p->t.reset);
    }
}

static void time_of(const struct printing *p, const char *what,
                    const struct score_times *t)
{
    (void)fprintf(p->out, "  %-34s p50 %u us, p99 %u us, of %llu decisions\n",
                  what, score_us(t, 0.5), score_us(t, 0.99),
                  (unsigned long long)t->count);
}

static void cost(const struct printing *p)
{
    const struct score *s = p->s;
    uint32_t p50 = score_us(&s->plain, 0.5);
    bool fast = score_us(&s->with, 0.99) <= SCORE_P99_US;
    double ratio;

    (void)fprintf(p->out, "\n%sCost%s\n", p->t.bold, p->t.reset);
    time_of(p, "decision with provenance", &s->with);
    if (p->a->has_cost)
        time_of(p, "the same without", &s->plain);
    (void)fprintf(p->out, "  %sp99 <= %d us  %s%s\n",
                  fast ? p->t.green : p->t.red, SCORE_P99_US,
                  fast ? "met" : "MISSED", p->t.reset);
    if (!p->a->has_cost || p50 == 0)
        return;
    ratio = (double)score_us(&s->with, 0.5) / (double)p50;
    fast = ratio <= SCORE_P50_RATIO;
    (void)fprintf(p->out, "  %sp50 is %.2f times that without, <= %.1f  %s%s\n",
                  fast ? p->t.green : p->t.red, ratio, SCORE_P50_RATIO,
                  fast ? "met" : "MISSED", p->t.reset);
}

static void missing(const struct printing *p)
{
    const struct missing *m = p->a->missing;

    if (m->name != NULL)
        (void)fprintf(p->out, "\n%sMissing%s\n", p->t.bold, p->t.reset);
    for (; m->name != NULL; m++)
        (void)fprintf(p->out, "  %-34s %s\n", m->name, m->text);
}

void score_print(const struct score *s, const struct score_about *a, FILE *out)
{
    struct printing p = {.s = s, .a = a, .t = term_of(fileno(out)), .out = out};

    score_total(s, p.total);
    if (s->suite_count > 1 && s->suite_count <= COLUMNS_MAX)
        p.columns = s->suite_count;
    (void)fprintf(out, "%sReplay with labels %s%s: %llu sessions, %llu calls\n",
                  p.t.bold, a->labels, p.t.reset,
                  (unsigned long long)p.total[SCORE_SESSIONS],
                  (unsigned long long)p.total[SCORE_CALLS]);
    rows(&p);
    if (p.total[SCORE_COMPARED] > 0)
        classes(&p);
    if (p.total[SCORE_RUN_UNMARKED] > 0)
        (void)fprintf(out,
                      "\n%llu recorded attacks have no call that is the "
                      "attack's: what it wants is in the prompt, or it is "
                      "text alone\n",
                      (unsigned long long)p.total[SCORE_RUN_UNMARKED]);
    missing(&p);
    cost(&p);
}
