/* tipstaff policy test: cases in YAML, with clause coverage. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/policy/policy.h"
#include "cli/policy/suite/coverage.h"
#include "cli/policy/suite/junit.h"
#include "cli/policy/suite/suite.h"
#include "cli/term.h"

struct test {
    struct pol_options o;
    const char *junit_path;
    uint64_t min_coverage;
    bool coverage, quiet, json;

    struct term t;
    struct pol_marks marks;
    struct junit junit;
    struct json_out out;
    size_t passed, failed, broken; /* cases, cases, files */
    size_t outcomes, covered;
};

struct verdict {     /* of one case */
    char text[1024]; /* what differs, a line each; empty when nothing does */
    size_t len;
    double seconds;
};

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

TS_PRINTF(2, 3)
static void add(struct verdict *v, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(v->text + v->len, sizeof(v->text) - v->len, fmt, ap);
    va_end(ap);
    if (n > 0)
        v->len += (size_t)n < sizeof(v->text) - v->len
                      ? (size_t)n
                      : sizeof(v->text) - 1 - v->len;
}

static void add_str(struct verdict *v, struct ts_str s)
{
    char shown[128];

    (void)ts_str_show(shown, sizeof(shown), s.ptr, s.len);
    add(v, "%s", shown);
}

/* The policies that the engine named: reasons, or those in error. */
struct named {
    const struct cedar_policies *p;
    const uint32_t *reasons;
    const struct cedar_error *errors;
    uint32_t count;
};

static struct ts_str named_at(const struct named *n, uint32_t i)
{
    return cedar_policies_info(n->p, n->reasons != NULL ? n->reasons[i]
                                                        : n->errors[i].policy)
        .id;
}

static bool same_ids(const struct yaml_node *want, const struct named *got)
{
    uint32_t distinct = 0;

    for (const struct yaml_node *w = want->first; w != NULL; w = w->next) {
        const struct yaml_node *before = want->first;
        uint32_t i = 0;

        while (i < got->count && !ts_str_eq(named_at(got, i), w->text))
            i++;
        if (i == got->count)
            return false;
        while (before != w && !ts_str_eq(before->text, w->text))
            before = before->next;
        distinct += before == w ? 1 : 0;
    }
    return distinct == got->count;
}

static void compare_ids(struct verdict *v, const char *what,
                        const struct yaml_node *want, const struct named *got)
{
    if (want == NULL || same_ids(want, got))
        return;
    add(v, "%s: expected [", what);
    for (const struct yaml_node *w = want->first; w != NULL; w = w->next) {
        add_str(v, w->text);
        add(v, "%s", w->next != NULL ? ", " : "");
    }
    add(v, "], got [");
    for (uint32_t i = 0; i < got->count; i++) {
        add_str(v, named_at(got, i));
        add(v, "%s", i + 1 < got->count ? ", " : "");
    }
    add(v, "]\n");
}

static void compare(struct verdict *v, const struct suite *s,
                    const struct suite_case *c, const struct cedar_answer *a)
{
    static const uint32_t none;
    struct named reasons = {.p = s->in.policies.compiled,
                            .reasons = a->reason_count > 0 ? a->reasons : &none,
                            .count = a->reason_count};
    struct named errors = {.p = s->in.policies.compiled,
                           .errors = a->errors,
                           .count = a->error_count};

    if (!c->any_decision && a->decision != c->decision)
        add(v, "decision: expected %s, got %s\n",
            c->decision == CEDAR_ALLOW ? "allow" : "deny",
            a->decision == CEDAR_ALLOW ? "allow" : "deny");
    compare_ids(v, "reasons", c->reasons, &reasons);
    compare_ids(v, "errors", c->errors, &errors);
}

static void print_case(const struct test *t, const struct suite_case *c,
                       const struct verdict *v, const struct explain_view *view)
{
    bool ok = v->len == 0;

    if (ok && t->quiet)
        return;
    (void)printf("  %s%s%s ", ok ? t->t.green : t->t.red,
                 ok ? t->marks.yes : t->marks.no, t->t.reset);
    term_put(stdout, c->name);
    (void)fputc('\n', stdout);
    if (ok)
        return;
    for (const char *line = v->text; *line != '\0';) {
        size_t n = strcspn(line, "\n");

        (void)printf("      %.*s\n", (int)n, line);
        line += n + (line[n] == '\n' ? 1 : 0);
    }
    if (view == NULL)
        return; /* no decision to explain */
    (void)fputc('\n', stdout);
    explain_print(view);
    (void)fputc('\n', stdout);
}

static void json_case(struct test *t, const struct suite_case *c,
                      const struct verdict *v, const struct explain_view *view)
{
    json_out_object(&t->out, NULL);
    json_out_str(&t->out, "name", c->name);
    json_out_int(&t->out, "line", c->node->line);
    json_out_bool(&t->out, "ok", v->len == 0);
    if (view != NULL)
        pol_answer_json(&t->out, view->set->compiled, view->answer);
    if (v->len > 0)
        json_out_text(&t->out, "message", v->text);
    json_out_end(&t->out);
}

static void report(struct test *t, const struct suite *s,
                   const struct suite_case *c, const struct verdict *v,
                   const struct explain_view *view)
{
    *(v->len == 0 ? &t->passed : &t->failed) += 1;
    if (t->json)
        json_case(t, c, v, view);
    else
        print_case(t, c, v, view);
    if (t->junit_path != NULL)
        junit_case(&t->junit, s->file.name, c->name, v->seconds,
                   v->len > 0 ? v->text : NULL);
    (void)fflush(stdout);
}

static struct explain_view view_of(const struct test *t, const struct suite *s,
                                   struct ts_arena *arena)
{
    return (struct explain_view){.set = &s->in.policies,
                                 .arena = arena,
                                 .t = t->t,
                                 .marks = t->marks,
                                 .indent = 6};
}

/* A case whose request cannot be understood has failed; why was printed. */
static void run_case(struct test *t, struct suite *s,
                     const struct suite_case *c, struct coverage *cover)
{
    struct verdict v = {0};
    struct cedar_explanation why;
    struct cedar_answer a;
    struct pol_request r;
    struct ts_arena arena;
    struct explain_view view = view_of(t, s, &arena);
    double start = now_s();
    ts_err e;

    if (!suite_request(s, c, &r)) {
        add(&v, "the case is wrong in itself\n");
        report(t, s, c, &v, NULL);
        return;
    }
    ts_arena_init(&arena, POL_ANSWER_ARENA);
    e = cedar_explain(s->in.policies.compiled, pol_request_entities(&s->in, &r),
                      &r.req, &arena, &a, &why);
    v.seconds = now_s() - start;
    if (e != TS_OK) {
        suite_complain(s, c->node, NULL, "no decision: %s", ts_err_text(e));
        add(&v, "no decision: %s\n", ts_err_text(e));
        report(t, s, c, &v, NULL);
    } else {
        view.req = &r.req;
        view.entities = pol_request_entities(&s->in, &r);
        view.answer = &a;
        view.why = &why;
        coverage_add(cover, &why);
        compare(&v, s, c, &a);
        report(t, s, c, &v, &view);
    }
    pol_request_done(&r);
    ts_arena_done(&arena);
}

static void run_suite(struct test *t, struct suite *s)
{
    struct explain_view view = view_of(t, s, &s->in.arena);
    struct coverage cover;

    if (!coverage_init(&cover, &s->in.policies, &s->in.arena)) {
        cli_error("out of memory");
        t->broken++;
        if (t->json)
            json_out_end(&t->out);
        return;
    }
    for (size_t i = 0; i < s->count; i++)
        run_case(t, s, &s->cases[i], &cover);
    coverage_count(&cover, &view);
    t->outcomes += cover.outcomes;
    t->covered += cover.covered;
    if (t->json) {
        json_out_end(&t->out);
        coverage_json(&cover, &view, &t->out);
    } else if (t->coverage && cover.covered < cover.outcomes) {
        (void)printf("\nnot covered:\n");
        coverage_print(&cover, &view);
    }
}

static void run_file(struct test *t, const char *path)
{
    struct suite s;
    bool ok = suite_load(path, &t->o, &s);
    char name[512];

    (void)ts_str_show(name, sizeof(name), path, strlen(path));
    if (t->json) {
        json_out_object(&t->out, NULL);
        json_out_text(&t->out, "file", name);
        json_out_bool(&t->out, "readable", ok);
        json_out_array(&t->out, "cases");
    } else if (ok) {
        (void)printf("%s%s%s\n", t->t.bold, name, t->t.reset);
    }
    if (ok) {
        run_suite(t, &s);
    } else {
        t->broken++;
        if (t->json)
            json_out_end(&t->out);
    }
    if (t->json)
        json_out_end(&t->out);
    if (t->junit_path != NULL)
        junit_suite(&t->junit, name,
                    ok ? NULL : "the file or what it names is wrong");
    suite_done(&s);
}

static bool is_enough(const struct test *t)
{
    return coverage_percent(t->covered, t->outcomes) >= (double)t->min_coverage;
}

static void summary(struct test *t)
{
    double percent = coverage_percent(t->covered, t->outcomes);

    if (t->json) {
        json_out_end(&t->out);
        json_out_int(&t->out, "passed", (int64_t)t->passed);
        json_out_int(&t->out, "failed", (int64_t)t->failed);
        json_out_int(&t->out, "broken_files", (int64_t)t->broken);
        json_out_int(&t->out, "outcomes", (int64_t)t->outcomes);
        json_out_int(&t->out, "covered", (int64_t)t->covered);
        json_out_decimal(&t->out, "coverage", percent);
        json_out_end(&t->out);
        return;
    }
    if (t->outcomes > 0)
        (void)printf("\nclause coverage: %.1f %% (%zu of %zu outcomes)%s\n",
                     percent, t->covered, t->outcomes,
                     is_enough(t) ? "" : ", less than --min-coverage asks for");
    (void)printf("%s%zu passed%s, %s%zu failed%s", t->t.green, t->passed,
                 t->t.reset, t->failed > 0 ? t->t.red : "", t->failed,
                 t->t.reset);
    if (t->broken > 0)
        (void)printf(", %s%s not run%s", t->t.red,
                     pol_count(t->broken, "file").s, t->t.reset);
    (void)fputc('\n', stdout);
}

static int run(struct test *t, char *const *files, size_t count)
{
    bool ok;

    t->t = term_stdout();
    t->marks = pol_marks();
    junit_init(&t->junit);
    json_out_init(&t->out, stdout);
    if (t->json) {
        json_out_object(&t->out, NULL);
        json_out_array(&t->out, "files");
    }
    for (size_t i = 0; i < count; i++)
        run_file(t, files[i]);
    summary(t);
    ok = t->failed == 0 && t->broken == 0 && is_enough(t);
    if (t->junit_path != NULL && !junit_save(&t->junit, t->junit_path))
        ok = false;
    junit_done(&t->junit);
    return ok ? CLI_OK : CLI_FAILED;
}

int cmd_policy_test(int argc, char **argv)
{
    struct test t = {0};
    const struct cli_option options[] = {
        {"--coverage", NULL, "list the clauses that are not covered", CLI_FLAG,
         &t.coverage, false},
        {"--min-coverage", "PCT", "fail below this percentage of outcomes",
         CLI_NUMBER, &t.min_coverage, false},
        {"--junit", "FILE", "write the results as JUnit XML", CLI_TEXT,
         &t.junit_path, false},
        {"--quiet", NULL, "print the cases that fail only", CLI_FLAG, &t.quiet,
         false},
        {"-q", NULL, NULL, CLI_FLAG, &t.quiet, false},
        POL_OPT_POLICIES(&t.o),
        POL_OPT_SCHEMA(&t.o),
        POL_OPT_ENTITIES(&t.o),
        {"--json", NULL, "one JSON document instead of text", CLI_FLAG, &t.json,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff policy test",
        .operands = "FILE.yaml...",
        .about = "Runs the cases of YAML files: request, expected decision, "
                 "reasons and errors. Counts which\nclauses of the policies "
                 "have been seen true and false. Options name policies, schema "
                 "and\nentities instead of those in the file.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = SIZE_MAX,
        .examples = "  tipstaff policy test tests/photos.yaml\n"
                    "  tipstaff policy test --min-coverage 90 --coverage "
                    "--junit out.xml tests/*.yaml\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (t.min_coverage > 100) {
        cli_error("--min-coverage is 0 to 100");
        return CLI_USAGE;
    }
    return run(&t, operands, count);
}
