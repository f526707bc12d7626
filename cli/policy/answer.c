/* Printing decisions. */
#include "cli/policy/answer.h"

#include "cli/policy/report.h"

void pol_put_decision(FILE *f, const struct term *t, enum cedar_decision d)
{
    bool allow = d == CEDAR_ALLOW;

    (void)fprintf(f, "%s%s%s%s", t->bold, allow ? t->green : t->red,
                  allow ? "ALLOW" : "DENY", t->reset);
}

void pol_put_id(FILE *f, const struct cedar_policies *p, uint32_t policy)
{
    term_put(f, cedar_policies_info(p, policy).id);
}

void pol_put_ids(FILE *f, const struct cedar_policies *p, const uint32_t *list,
                 uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        (void)fputs(i > 0 ? ", " : "", f);
        pol_put_id(f, p, list[i]);
    }
}

static void ids_json(struct json_out *j, const char *key,
                     const struct cedar_policies *p, const uint32_t *list,
                     uint32_t count)
{
    json_out_array(j, key);
    for (uint32_t i = 0; i < count; i++)
        json_out_str(j, NULL, cedar_policies_info(p, list[i]).id);
    json_out_end(j);
}

void pol_answer_json(struct json_out *j, const struct cedar_policies *p,
                     const struct cedar_answer *a)
{
    json_out_text(j, "decision", a->decision == CEDAR_ALLOW ? "allow" : "deny");
    ids_json(j, "reasons", p, a->reasons, a->reason_count);
    ids_json(j, "satisfied_permits", p, a->satisfied_permits, a->permit_count);
    json_out_array(j, "errors");
    for (uint32_t i = 0; i < a->error_count; i++) {
        const struct cedar_error *e = &a->errors[i];

        json_out_object(j, NULL);
        json_out_str(j, "policy", cedar_policies_info(p, e->policy).id);
        json_out_text(j, "code", e->code);
        json_out_text(j, "message", e->text);
        json_out_end(j);
    }
    json_out_end(j);
}

void pol_request_json(struct json_out *j, const struct cedar_request *req)
{
    json_out_uid(j, "principal", &req->principal);
    json_out_uid(j, "action", &req->action);
    json_out_uid(j, "resource", &req->resource);
}

void pol_put_request(FILE *f, const struct cedar_request *req)
{
    const char *dot = pol_marks().dot;

    pol_put_uid(f, &req->principal);
    (void)fprintf(f, " %s ", dot);
    pol_put_uid(f, &req->action);
    (void)fprintf(f, " %s ", dot);
    pol_put_uid(f, &req->resource);
    (void)fputc('\n', f);
}
