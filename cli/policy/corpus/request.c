/* The requests of a case: whether they are valid, and what they are answered.
 */
#include <string.h>

#include "cli/policy/corpus/corpus.h"
#include "policy/conform/conform.h"
#include "policy/json/value_json.h"

struct request {
    struct corpus *c;
    const struct corpus_case *k;
    const struct json *spec;
    char name[120]; /* `request 3 "text"`, escaped */
};

static const char *with(const struct request *r)
{
    return r->k->form == CORPUS_JSON ? " with the JSON schema" : "";
}

static bool get_bool(const struct json *v, struct ts_str key, bool otherwise)
{
    const struct json *m = v != NULL ? cedar_json_get(v, key) : NULL;

    return m != NULL && m->kind == JSON_BOOL ? m->boolean : otherwise;
}

static void name_request(struct request *r, uint32_t nth)
{
    const struct json *d = cedar_json_get(r->spec, TS_STR_LIT("description"));
    char text[80] = "";

    if (d != NULL && d->kind == JSON_STRING)
        (void)ts_str_show(text, sizeof(text), d->str.ptr, d->str.len);
    (void)snprintf(r->name, sizeof(r->name), "request %u \"%s\"", nth, text);
}

static ts_err read_uid(const struct request *r, const char *key,
                       struct cedar_diags *diags, struct cedar_uid *ret)
{
    const struct json *v = cedar_json_get(r->spec, ts_str_of(key));
    const struct cedar_uid *uid;
    ts_err e;

    if (v == NULL)
        return TS_E_FORMAT;
    e = cedar_uid_from_json(r->k->arena, v, key, diags, &uid);
    if (e == TS_OK)
        *ret = *uid;
    return e;
}

static ts_err read_request(const struct request *r, bool checked,
                           struct cedar_diags *diags, struct cedar_request *ret)
{
    static const struct json no_context = {.kind = JSON_OBJECT};
    const struct json *context = cedar_json_get(r->spec, TS_STR_LIT("context"));
    ts_err e;

    if ((e = read_uid(r, "principal", diags, &ret->principal)) != TS_OK ||
        (e = read_uid(r, "action", diags, &ret->action)) != TS_OK ||
        (e = read_uid(r, "resource", diags, &ret->resource)) != TS_OK)
        return e;
    return conform_context(r->k->arena, r->k->schema, &ret->action,
                           context != NULL ? context : &no_context, !checked,
                           &ret->context, diags);
}

/* Whether the policies are exactly those that are recorded, in any order. */
static bool same_ids(const struct request *r, struct ts_str key,
                     const struct cedar_answer *a, bool errors)
{
    const struct json *want = cedar_json_get(r->spec, key);
    uint32_t count = errors ? a->error_count : a->reason_count;

    if (want == NULL || want->kind != JSON_ARRAY || want->count != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = errors ? a->errors[i].policy : a->reasons[i];
        struct ts_str id = cedar_policies_info(r->k->policies, at).id;
        const struct json *w = want->first;

        while (w != NULL && !(w->kind == JSON_STRING && ts_str_eq(w->str, id)))
            w = w->next;
        if (w == NULL)
            return false;
    }
    return true;
}

/* "policy0, policy3", escaped and shortened. */
struct ids {
    char s[160];
    size_t len;
};

static void add_id(struct ids *ids, struct ts_str id)
{
    char one[48];
    int n;

    (void)ts_str_show(one, sizeof(one), id.ptr, id.len);
    if (ids->len + strlen(one) + 8 > sizeof(ids->s))
        (void)snprintf(one, sizeof(one), "...");
    if (ids->len >= 3 && memcmp(ids->s + ids->len - 3, "...", 3) == 0)
        return;
    n = snprintf(ids->s + ids->len, sizeof(ids->s) - ids->len, "%s%s",
                 ids->len > 0 ? ", " : "", one);
    ids->len += n > 0 ? (size_t)n : 0;
}

static struct ids ids_given(const struct request *r,
                            const struct cedar_answer *a, bool errors)
{
    uint32_t count = errors ? a->error_count : a->reason_count;
    struct ids ids = {.len = 0};

    for (uint32_t i = 0; i < count; i++)
        add_id(&ids,
               cedar_policies_info(r->k->policies,
                                   errors ? a->errors[i].policy : a->reasons[i])
                   .id);
    return ids;
}

static struct ids ids_recorded(const struct request *r, struct ts_str key)
{
    const struct json *list = cedar_json_get(r->spec, key);
    struct ids ids = {.len = 0};

    for (const struct json *m = list != NULL ? list->first : NULL; m != NULL;
         m = m->next)
        if (m->kind == JSON_STRING)
            add_id(&ids, m->str);
    return ids;
}

static void compare_ids(const struct request *r, enum corpus_check check,
                        const char *what, const char *key,
                        const struct cedar_answer *a)
{
    bool errors = check == CORPUS_ERRORS;

    if (corpus_count(r->c, r->k->form, check,
                     same_ids(r, ts_str_of(key), a, errors)))
        return;
    corpus_fail(r->c, "%s: %s [%s]%s, recorded [%s]%s%s", r->name, what,
                ids_given(r, a, errors).s, with(r),
                ids_recorded(r, ts_str_of(key)).s,
                a->error_count > 0 ? "; first error: " : "",
                a->error_count > 0 ? a->errors[0].text : "");
}

static void compare(const struct request *r, const struct cedar_answer *a)
{
    const struct json *want = cedar_json_get(r->spec, TS_STR_LIT("decision"));
    const char *given = a->decision == CEDAR_ALLOW ? "allow" : "deny";
    struct ids recorded = {.len = 0};

    if (want != NULL && want->kind == JSON_STRING)
        add_id(&recorded, want->str);
    if (!corpus_count(r->c, r->k->form, CORPUS_DECISION,
                      strcmp(recorded.s, given) == 0))
        corpus_fail(r->c, "%s: decision %s%s, recorded %s%s%s", r->name, given,
                    with(r), recorded.s,
                    a->error_count > 0 ? "; first error: " : "",
                    a->error_count > 0 ? a->errors[0].text : "");
    compare_ids(r, CORPUS_REASONS, "determining policies", "reason", a);
    compare_ids(r, CORPUS_ERRORS, "policies in error", "errors", a);
}

/* What is recorded of the request's validity, for both modes of validation:
 * requests know only one. */
static void compare_valid(const struct request *r, uint32_t nth, bool valid)
{
    static const struct {
        enum corpus_check check;
        const char *mode;
    } modes[] = {{CORPUS_REQ_STRICT, "strict"},
                 {CORPUS_REQ_PERM, "permissive"}};
    const struct json *list =
        r->k->recorded != NULL
            ? cedar_json_get(r->k->recorded, TS_STR_LIT("requestValidation"))
            : NULL;
    const struct json *m = list != NULL ? list->first : NULL;

    while (m != NULL && nth-- > 0)
        m = m->next;
    for (size_t i = 0; m != NULL && i < 2; i++) {
        const struct json *want = cedar_json_get(m, ts_str_of(modes[i].mode));

        if (want == NULL || want->kind != JSON_BOOL)
            continue;
        if (!corpus_count(r->c, r->k->form, modes[i].check,
                          want->boolean == valid))
            corpus_fail(r->c, "%s: %s%s, recorded (%s) otherwise", r->name,
                        valid ? "valid" : "not valid", with(r), modes[i].mode);
    }
}

static void run_request(const struct request *r, uint32_t nth)
{
    static struct cedar_diags diags;
    bool checked = get_bool(r->spec, TS_STR_LIT("validateRequest"), true);
    struct cedar_request req = {0};
    struct cedar_answer answer;
    bool valid = false;
    ts_err e;

    cedar_diags_clear(&diags);
    e = read_request(r, checked, &diags, &req);
    if (e == TS_OK) {
        e = cedar_request_check(r->k->schema, &req, &diags);
        valid = e == TS_OK;
        if (e == TS_E_INVALID && !checked)
            e = TS_OK;
    }
    compare_valid(r, nth, valid);
    if (checked && !corpus_count(r->c, r->k->form, CORPUS_REQUEST, valid)) {
        corpus_fail_diags(r->c, r->name, e, &diags);
        return;
    }
    if (e == TS_OK)
        e = cedar_authorize(r->k->policies, r->k->entities, &req, r->k->arena,
                            &answer);
    if (e == TS_OK)
        compare(r, &answer);
    else
        corpus_fail_diags(r->c, r->name, e, &diags);
}

void corpus_requests(struct corpus *c, const struct corpus_case *k)
{
    const struct json *list = cedar_json_get(k->spec, TS_STR_LIT("requests"));
    const struct json *m = list->first;

    for (uint32_t i = 0; i < list->count; i++, m = m->next) {
        struct request r = {.c = c, .k = k, .spec = m};

        name_request(&r, i);
        run_request(&r, i);
    }
}
