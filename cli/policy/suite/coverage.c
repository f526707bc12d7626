/* Which clauses the cases of a suite have seen true and false. */
#include "cli/policy/suite/coverage.h"

#define SEEN_FALSE 1u
#define SEEN_TRUE  2u

bool coverage_init(struct coverage *c, const struct pol_set *set,
                   struct ts_arena *arena)
{
    size_t n = cedar_policies_count(set->compiled);
    void *mem;

    *c = (struct coverage){.set = set};
    if (ts_arena_array(arena, n + 1, sizeof(*c->seen), &mem) != TS_OK)
        return false;
    c->seen = mem;
    for (size_t i = 0; i < n; i++) {
        const struct cedar_clause *clauses;
        size_t k = cedar_policies_clauses(set->compiled, i, &clauses);

        if (ts_arena_alloc(arena, k + 1, &mem) != TS_OK)
            return false;
        c->seen[i] = mem;
    }
    return true;
}

void coverage_add(struct coverage *c, const struct cedar_explanation *why)
{
    for (uint32_t i = 0; i < why->count; i++) {
        const struct cedar_policy_result *r = &why->policies[i];

        for (uint32_t k = 0; k < r->clause_count; k++) {
            if (r->clauses[k].outcome == CEDAR_TRUE)
                c->seen[r->policy][k] |= SEEN_TRUE;
            else if (r->clauses[k].outcome == CEDAR_FALSE)
                c->seen[r->policy][k] |= SEEN_FALSE;
        }
    }
}

static bool counts(const struct explain_view *v, const struct cedar_clause *k)
{
    if (k->kind == CEDAR_CLAUSE_TEST)
        return true;
    return k->kind <= CEDAR_CLAUSE_RESOURCE && !explain_is_open(v, k);
}

void coverage_count(struct coverage *c, const struct explain_view *v)
{
    size_t n = cedar_policies_count(c->set->compiled);

    c->outcomes = c->covered = 0;
    for (size_t i = 0; i < n; i++) {
        const struct cedar_clause *clauses;
        size_t k = cedar_policies_clauses(c->set->compiled, i, &clauses);

        for (size_t j = 0; j < k; j++) {
            if (!counts(v, &clauses[j]))
                continue;
            c->outcomes += 2;
            c->covered += (c->seen[i][j] & SEEN_TRUE) != 0 ? 1 : 0;
            c->covered += (c->seen[i][j] & SEEN_FALSE) != 0 ? 1 : 0;
        }
    }
}

double coverage_percent(size_t covered, size_t outcomes)
{
    return outcomes == 0 ? 100.0 : 100.0 * (double)covered / (double)outcomes;
}

static const char *missing(uint8_t seen)
{
    if (seen == 0)
        return "never reached";
    return (seen & SEEN_TRUE) != 0 ? "never false" : "never true";
}

static void print_clause(const struct coverage *c, const struct explain_view *v,
                         const struct cedar_clause *k, uint8_t seen)
{
    const struct pol_files *files = &c->set->files;

    (void)printf("  %s%-13s%s  ", v->t.yellow, missing(seen), v->t.reset);
    term_put(stdout, explain_text(v, k->span, 96));
    if (k->span.source < files->count)
        (void)printf("  %s%s:%u:%u%s", v->t.dim,
                     files->list[k->span.source].name, k->span.line,
                     k->span.column, v->t.reset);
    (void)fputc('\n', stdout);
}

void coverage_print(const struct coverage *c, const struct explain_view *v)
{
    size_t n = cedar_policies_count(c->set->compiled);

    for (size_t i = 0; i < n; i++) {
        const struct cedar_clause *clauses;
        size_t k = cedar_policies_clauses(c->set->compiled, i, &clauses);
        bool titled = false;

        for (size_t j = 0; j < k; j++) {
            if (!counts(v, &clauses[j]) ||
                c->seen[i][j] == (SEEN_TRUE | SEEN_FALSE))
                continue;
            if (!titled) {
                (void)printf("%s%s ", v->t.bold,
                             cedar_policies_info(c->set->compiled, i).effect ==
                                     CEDAR_PERMIT
                                 ? "permit"
                                 : "forbid");
                pol_put_id(stdout, c->set->compiled, (uint32_t)i);
                (void)printf("%s\n", v->t.reset);
            }
            titled = true;
            print_clause(c, v, &clauses[j], c->seen[i][j]);
        }
    }
}

static void clause_json(const struct coverage *c, const struct explain_view *v,
                        size_t policy, const struct cedar_clause *k,
                        uint8_t seen, struct json_out *j)
{
    const struct pol_files *files = &c->set->files;

    json_out_object(j, NULL);
    json_out_str(j, "policy", cedar_policies_info(c->set->compiled, policy).id);
    if (k->span.source < files->count) {
        json_out_text(j, "file", files->list[k->span.source].name);
        json_out_int(j, "line", k->span.line);
        json_out_int(j, "column", k->span.column);
    }
    json_out_str(j, "text", explain_text(v, k->span, 4096));
    json_out_bool(j, "seen_true", (seen & SEEN_TRUE) != 0);
    json_out_bool(j, "seen_false", (seen & SEEN_FALSE) != 0);
    json_out_end(j);
}

void coverage_json(const struct coverage *c, const struct explain_view *v,
                   struct json_out *j)
{
    size_t n = cedar_policies_count(c->set->compiled);

    json_out_array(j, "uncovered");
    for (size_t i = 0; i < n; i++) {
        const struct cedar_clause *clauses;
        size_t k = cedar_policies_clauses(c->set->compiled, i, &clauses);

        for (size_t x = 0; x < k; x++)
            if (counts(v, &clauses[x]) &&
                c->seen[i][x] != (SEEN_TRUE | SEEN_FALSE))
                clause_json(c, v, i, &clauses[x], c->seen[i][x], j);
    }
    json_out_end(j);
}
