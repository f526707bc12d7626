/* The score card, for people and for programs. */
#include <string.h>

#include "cli/replay/score.h"
#include "cli/term.h"

static double share(uint64_t n, uint64_t of)
{
    return of == 0 ? 0 : 100.0 * (double)n / (double)of;
}

static void line(FILE *out, const char *what, uint64_t n, uint64_t of)
{
    (void)fprintf(out, "  %-44s %8llu  %6.2f %%\n", what, (unsigned long long)n,
                  share(n, of));
}

static void classes(const struct score *s, FILE *out)
{
    for (uint32_t i = 0; i < s->class_count; i++) {
        const struct score_class *k = &s->classes[i];

        (void)fprintf(out, "    %c, reference %c%s  %6llu  [%s] ", k->ours,
                      k->theirs, k->is_attack ? ", attack" : "        ",
                      (unsigned long long)k->count, k->code);
        term_put(out, ts_str_of(k->policies));
        (void)fputs("\n        such as ", out);
        term_put(out, ts_str_of(k->example));
        (void)fputc('\n', out);
    }
    if (s->more_classes)
        (void)fputs("    and more classes\n", out);
}

static void security(const struct score *s, FILE *out)
{
    (void)fprintf(out, "\nAttacks, an agent that obeys them: %llu\n",
                  (unsigned long long)s->attacks);
    line(out, "executed, nobody asked (ASR)", s->silent, s->attacks);
    line(out, "one of its calls denied", s->hard, s->attacks);
    line(out, "executed if people say yes to all", s->rubber, s->attacks);
    line(out, "some effect executed", s->partial, s->attacks);
    (void)fprintf(out, "Recorded attacks that succeeded: %llu\n",
                  (unsigned long long)s->run_attacks);
    line(out, "a call of the attack executed", s->run_silent, s->run_attacks);
    line(out, "all its calls denied", s->run_hard, s->run_attacks);
    if (s->run_unmarked > 0)
        (void)fprintf(out, "  (%llu more in which no call is the attack's)\n",
                      (unsigned long long)s->run_unmarked);
}

void score_print(const struct score *s, const struct score_about *a, FILE *out)
{
    (void)fprintf(out, "Replay with labels %s: %llu sessions, %llu calls\n",
                  a->labels, (unsigned long long)s->sessions,
                  (unsigned long long)s->calls);
    security(s, out);
    (void)fprintf(out, "\nTasks: %llu\n", (unsigned long long)s->tasks);
    line(out, "no approval, no denial (TCR@0)", s->tcr0, s->tasks);
    line(out, "at most one approval (TCR@1)", s->tcr1, s->tasks);
    line(out, "no denial (TCR@inf)", s->tcr_all, s->tasks);
    line(out, "effects without a person", s->automatic, s->effects);
    (void)fprintf(out, "  %-44s %8.2f\n", "approvals per task",
                  s->tasks == 0 ? 0 : (double)s->approvals / (double)s->tasks);
    (void)fprintf(out, "Recorded runs that solved their task: %llu\n",
                  (unsigned long long)s->runs);
    line(out, "untouched", s->runs_untouched, s->runs);
    line(out, "a call denied", s->runs_denied, s->runs);
    (void)fprintf(out, "\nAgreement with reference %s\n", a->reference);
    line(out, "sequences", s->agree, s->compared);
    line(out, "calls", s->agree_calls, s->compared_calls);
    classes(s, out);
    (void)fprintf(
        out, "\nDecision time: p50 %u us, p99 %u us, of %llu decisions\n",
        score_us(s, 0.5), score_us(s, 0.99), (unsigned long long)s->us_count);
}

static json_t *class_json(const struct score_class *k)
{
    char ours[2] = {k->ours, '\0'}, theirs[2] = {k->theirs, '\0'};

    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:I, s:s}", "ours", ours,
                     "reference", theirs, "attack", k->is_attack, "code",
                     k->code, "policies", k->policies, "count",
                     (json_int_t)k->count, "example", k->example);
}

static bool number(json_t *o, const char *key, uint64_t n)
{
    return json_object_set_new(o, key, json_integer((json_int_t)n)) == 0;
}

json_t *score_json(const struct score *s, const struct score_about *a)
{
    const struct {
        const char *key;
        uint64_t n;
    } all[] = {
        {"sessions", s->sessions},
        {"calls", s->calls},
        {"attacks", s->attacks},
        {"attacks_silent", s->silent},
        {"attacks_denied", s->hard},
        {"attacks_rubber_stamp", s->rubber},
        {"attacks_partial", s->partial},
        {"recorded_attacks", s->run_attacks},
        {"recorded_attacks_silent", s->run_silent},
        {"recorded_attacks_denied", s->run_hard},
        {"recorded_attacks_unmarked", s->run_unmarked},
        {"tasks", s->tasks},
        {"tcr_0", s->tcr0},
        {"tcr_1", s->tcr1},
        {"tcr_inf", s->tcr_all},
        {"approvals", s->approvals},
        {"effects", s->effects},
        {"effects_automatic", s->automatic},
        {"recorded_runs", s->runs},
        {"recorded_runs_untouched", s->runs_untouched},
        {"recorded_runs_denied", s->runs_denied},
        {"compared", s->compared},
        {"agree", s->agree},
        {"compared_calls", s->compared_calls},
        {"agree_calls", s->agree_calls},
        {"us_p50", score_us(s, 0.5)},
        {"us_p99", score_us(s, 0.99)},
    };
    json_t *o = json_pack("{s:s, s:s, s:s}", "labels", a->labels, "policies",
                          a->policies, "reference", a->reference);
    json_t *list = json_array();
    bool ok = o != NULL && list != NULL;

    for (size_t i = 0; ok && i < sizeof(all) / sizeof(all[0]); i++)
        ok = number(o, all[i].key, all[i].n);
    for (uint32_t i = 0; ok && i < s->class_count; i++)
        ok = json_array_append_new(list, class_json(&s->classes[i])) == 0;
    if (ok && json_object_set(o, "disagreements", list) == 0) {
        json_decref(list);
        return o;
    }
    json_decref(list);
    json_decref(o);
    return NULL;
}
