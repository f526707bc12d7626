/* The score card, for programs. Keys are stable: docs/REPLAY.md. */
#include "cli/replay/score.h"

#define FORMAT 2 /* raised when a key changes its meaning or goes */

static bool put(json_t *o, const char *key, json_t *v)
{
    return json_object_set_new(o, key, v) == 0; /* NULL fails */
}

static bool put_number(json_t *o, const char *key, uint64_t n)
{
    return put(o, key, json_integer((json_int_t)n));
}

static json_t *finish(json_t *o, bool ok)
{
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static bool counts(json_t *o, const uint64_t n[SCORE_COUNTS])
{
    bool ok = o != NULL;

    for (enum score_n i = 0; ok && i < SCORE_COUNTS; i++)
        ok = put_number(o, score_key(i), n[i]);
    return ok;
}

static json_t *suites(const struct score *s)
{
    json_t *all = json_object();
    bool ok = all != NULL;

    for (uint32_t i = 0; ok && i < s->suite_count; i++) {
        json_t *one = json_object();

        ok = counts(one, s->suites[i].n) && put(all, s->suites[i].name, one);
    }
    return finish(all, ok);
}

static json_t *row(const struct score_row *r, enum traces_label l,
                   const uint64_t n[SCORE_COUNTS])
{
    const struct score_bounds b = score_bounds(r, n);
    json_t *o = json_pack("{s:s, s:s, s:s}", "key", r->key, "section",
                          r->section, "title", r->title);
    bool ok = o != NULL && put_number(o, "n", n[r->num]) &&
              put_number(o, "of", n[r->den]);

    if (ok && b.has_value && r->is_mean)
        ok = put(o, "mean", json_real(b.share));
    else if (ok && b.has_value)
        ok = put(o, "percent", json_real(b.share)) &&
             put(o, "low", json_real(b.low)) &&
             put(o, "high", json_real(b.high));
    if (ok && r->bar[l] >= 0)
        ok = put(o, r->at_least ? "at_least" : "at_most", json_real(r->bar[l]));
    if (ok && score_met(r, l, n) != SCORE_NO_BAR)
        ok = put(o, "met", json_boolean(score_met(r, l, n) == SCORE_MET));
    return finish(o, ok);
}

static json_t *rows(const struct score_about *a, const uint64_t n[SCORE_COUNTS])
{
    json_t *list = json_array();
    bool ok = list != NULL;

    for (size_t i = 0; ok && i < score_row_count; i++)
        ok = json_array_append_new(list, row(&score_rows[i], a->label, n)) == 0;
    return finish(list, ok);
}

static json_t *classes(const struct score *s)
{
    json_t *list = json_array();
    bool ok = list != NULL;

    for (enum explain_why i = 0; ok && i < EXPLAIN_CLASSES; i++) {
        const struct explain_class *k = &s->classes[i];

        if (k->count == 0)
            continue;
        ok = json_array_append_new(
                 list,
                 json_pack("{s:s, s:s, s:I, s:I, s:s}", "class",
                           explain_why_key(i), "why", explain_why_text(i),
                           "count", (json_int_t)k->count, "attacks",
                           (json_int_t)k->attacks, "example", k->example)) == 0;
    }
    return finish(list, ok);
}

static bool times(json_t *o, const struct score *s, const struct score_about *a)
{
    uint32_t p50 = score_us(&s->plain, 0.5);
    bool ok = put_number(o, "us_p50", score_us(&s->with, 0.5)) &&
              put_number(o, "us_p99", score_us(&s->with, 0.99)) &&
              put_number(o, "us_decisions", s->with.count);

    if (!ok || !a->has_cost)
        return ok;
    ok = put_number(o, "us_p50_plain", p50) &&
         put_number(o, "us_p99_plain", score_us(&s->plain, 0.99)) &&
         put_number(o, "us_decisions_plain", s->plain.count);
    if (!ok || p50 == 0)
        return ok;
    return put(o, "us_p50_ratio",
               json_real((double)score_us(&s->with, 0.5) / (double)p50));
}

static json_t *missing(const struct score_about *a)
{
    json_t *list = json_array();
    bool ok = list != NULL;

    for (const struct missing *m = a->missing; ok && m->name != NULL; m++)
        ok = json_array_append_new(list, json_string(m->name)) == 0;
    return finish(list, ok);
}

json_t *score_json(const struct score *s, const struct score_about *a)
{
    json_t *o =
        json_pack("{s:i, s:s, s:s, s:s}", "format", FORMAT, "labels", a->labels,
                  "policies", a->policies, "reference", a->reference);
    uint64_t total[SCORE_COUNTS];

    score_total(s, total);
    return finish(o, counts(o, total) && times(o, s, a) &&
                         put(o, "suites", suites(s)) &&
                         put(o, "rows", rows(a, total)) &&
                         put(o, "missing", missing(a)) &&
                         put(o, "disagreements", classes(s)));
}
