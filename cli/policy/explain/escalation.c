#include "cli/policy/explain/escalation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "sidecar/gate/people/escalation_policies.h"

static bool text_of(struct explain_escalation *x, struct pol_inputs *in)
{
    ts_err e;

    x->source =
        (struct cedar_source){.name = "escalation", .text = x->it->is.policies};
    x->set.files = (struct pol_files){.list = &x->source, .count = 1};
    e = cedar_ast_parse(&x->source, 1, &cedar_options_block, &x->set.ast,
                        pol_diags(in));
    if (e != TS_OK) {
        cli_error("the escalation: %s", ts_err_text(e));
        return false;
    }
    return pol_set_compile(in, &x->set);
}

bool explain_escalation_open(struct explain_escalation *x, const json_t *line,
                             struct recorded_call *call,
                             const struct snapshot *s, struct pol_inputs *in)
{
    ts_err e;

    x->under = recorded_escalations_of(&x->all, line, call, &x->it);
    if (x->under != RECORDED_UNDER_ONE)
        return true;
    if (recorded_escalation_open(x->it, s, 0, &x->opened, &e)) {
        call->call.escalation = &x->opened;
        return x->opened.policies == NULL || text_of(x, in);
    }
    if (e != TS_OK)
        cli_error("the escalation: %s", ts_err_text(e));
    return e == TS_OK;
}

void explain_escalation_done(struct explain_escalation *x)
{
    pol_set_done(&x->set);
    recorded_escalations_done(&x->all);
}

bool explain_escalation_is_own(const char *set_name)
{
    static const char prefix[] = "escalation:";

    return strncmp(set_name, prefix, sizeof(prefix) - 1) == 0;
}

static void list(const char *what, const struct ts_str *texts, uint32_t n)
{
    if (n == 0)
        return;
    (void)printf("  %-9s ", what);
    for (uint32_t i = 0; i < n; i++) {
        (void)fputs(i == 0 ? "" : ", ", stdout);
        term_print(texts[i]);
    }
    (void)putchar('\n');
}

/* Each line behind a bar, which no value can show. */
static void print_policies(struct ts_str text)
{
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t n = end != NULL ? (size_t)(end - text.ptr) : text.len;

        (void)fputs("  | ", stdout);
        term_print((struct ts_str){text.ptr, n});
        (void)putchar('\n');
        n += end != NULL ? 1u : 0u;
        text = (struct ts_str){text.ptr + n, text.len - n};
    }
}

void explain_escalation_print(const struct explain_escalation *x, bool made_it)
{
    const struct recorded_escalation *it = x->it;
    char id[33];

    if (x->under == RECORDED_UNDER_NONE)
        return;
    if (x->under == RECORDED_UNDER_UNKNOWN) {
        (void)puts("break-glass was in force; what it added stands in an older "
                   "log (--log, also that one), and is left out here\n");
        return;
    }
    ts_hex_encode(id, it->is.id, sizeof(it->is.id));
    (void)printf("under break-glass %s, %s\n", id,
                 !it->opened[0].fits ? "which does not fit any more and would "
                                       "end"
                 : made_it           ? "which made this answer"
                                     : "which makes no difference here");
    if (!it->opened[0].fits)
        (void)printf("  because   %s\n", it->opened[0].why);
    list("signed by", it->people, it->people_count);
    list("reason", &it->is.reason, 1);
    list("incident", &it->is.incident, it->is.incident.len > 0 ? 1 : 0);
    list("lifts", it->is.lifts, it->is.lift_count);
    if (it->is.policies.len > 0)
        (void)puts("  permits");
    print_policies(it->is.policies);
    (void)putchar('\n');
}

void explain_escalation_lifted(const struct explain_escalation *x,
                               const struct explain_view *v)
{
    if (x->under != RECORDED_UNDER_ONE || !x->it->opened[0].fits ||
        v->answer->decision == CEDAR_ALLOW)
        return;
    for (uint32_t i = 0; i < v->answer->reason_count; i++) {
        uint32_t policy = v->answer->reasons[i];

        if (!escalation_lifts(x->opened.lifts, x->opened.lift_count,
                              v->set->compiled, policy))
            continue;
        (void)fputs("break-glass lifts ", stdout);
        term_print(cedar_policies_info(v->set->compiled, policy).id);
        (void)putchar('\n');
    }
}

void explain_escalation_json(const struct explain_escalation *x, bool made_it,
                             bool behind_others)
{
    json_t *j;

    if (!behind_others)
        (void)putchar('{');
    if (x->under == RECORDED_UNDER_NONE)
        return;
    if (x->under == RECORDED_UNDER_UNKNOWN) {
        j = json_pack("{s:b}", "known", 0);
    } else {
        j = recorded_escalation_json(x->it);
        (void)json_object_set_new(j, "known", json_true());
        (void)json_object_set_new(j, "fits",
                                  json_boolean(x->it->opened[0].fits));
        (void)json_object_set_new(j, "why", json_string(x->it->opened[0].why));
        (void)json_object_set_new(j, "made_it", json_boolean(made_it));
    }
    (void)printf("%s\"escalation\": ", behind_others ? "," : "");
    (void)json_dumpf(j, stdout, JSON_COMPACT);
    json_decref(j);
}
