/* Requests, and entities that exist for one request, against the schema. Asked
 * on every call: nothing is allocated, and nothing formatted unless it fails.
 */
#include "policy/conform/conform.h"
#include "policy/core/uid.h"
#include "policy/core/value.h"

/* The entity type of this name, if it is one that the action is for. */
static const struct schema_entity *applicable(const struct conform *c,
                                              struct ts_str type,
                                              const uint32_t *list,
                                              uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct schema_entity *t = &c->schema->entities[list[i]];

        if (cedar_str_same(t->name, type))
            return t;
    }
    return NULL;
}

/* what: "principal" or "resource". */
static bool check_side(struct conform *c, const char *what,
                       const struct cedar_uid *uid,
                       const struct schema_action *a, const uint32_t *list,
                       uint32_t count)
{
    const struct schema_entity *t = applicable(c, uid->type, list, count);

    if (t != NULL)
        return conform_id(c, t, uid, NULL);
    if (c->diags == NULL)
        return false;
    t = cedar_schema_entity(c->schema, uid->type);
    if (t == NULL || t->is_action)
        return conform_say_no_type(c, what, uid->type);
    return conform_say_not_for(c, what, uid->type, a, list, count);
}

/* The action of the request, with principal and resource that it is for; false
 * when one does not fit. */
static bool check_uids(struct conform *c, const struct cedar_request *req,
                       const struct schema_action **ret_action)
{
    const struct schema_action *a =
        cedar_schema_action(c->schema, &req->action);
    bool ok;

    *ret_action = a;
    if (a == NULL)
        return conform_say_action(c, &req->action);
    ok = check_side(c, "principal", &req->principal, a, a->principals,
                    a->principal_count);
    if (!ok && c->diags == NULL)
        return false;
    return check_side(c, "resource", &req->resource, a, a->resources,
                      a->resource_count) &&
           ok;
}

ts_err cedar_request_check(const struct cedar_schema *s,
                           const struct cedar_request *req,
                           struct cedar_diags *diags)
{
    struct conform c = {.schema = s, .diags = diags};
    const struct schema_action *a;
    bool ok;

    cedar_diags_clear(diags);
    ok = check_uids(&c, req, &a);
    if (a == NULL || (!ok && diags == NULL))
        return TS_E_INVALID;
    ok = conform_value(&c, &req->context, a->context, NULL) && ok;
    return ok ? TS_OK : TS_E_INVALID;
}

ts_err cedar_request_check_uids(const struct cedar_schema *s,
                                const struct cedar_request *req,
                                struct cedar_diags *diags)
{
    struct conform c = {.schema = s, .diags = diags};
    const struct schema_action *a;

    cedar_diags_clear(diags);
    return check_uids(&c, req, &a) ? TS_OK : TS_E_INVALID;
}

/* Every tag has the one type that the schema declares for them. */
static bool check_tags(struct conform *c, const struct schema_entity *t,
                       const struct cedar_value *tags)
{
    bool ok = true;

    if (tags->kind == CEDAR_NONE)
        return true;
    if (tags->kind != CEDAR_RECORD)
        return conform_say_tag(c, NULL);
    for (uint32_t i = 0; i < tags->as.record->count; i++) {
        const struct cedar_field *f = &tags->as.record->fields[i];
        const struct conform_step step = {.kind = CONFORM_TAG, .key = f->key};

        if (!ok && conform_deaf(c))
            break;
        ok = (t->tags == NULL ? conform_say_tag(c, &step)
                              : conform_value(c, &f->value, t->tags, &step)) &&
             ok;
    }
    return ok;
}

ts_err cedar_overlay_check(const struct cedar_schema *s,
                           const struct cedar_overlay *entity,
                           struct cedar_diags *diags)
{
    static const struct cedar_record none = {.depth = 1, .cost = 1};
    struct conform c = {.schema = s, .diags = diags, .uid = &entity->uid};
    const struct schema_entity *t;
    bool ok;

    cedar_diags_clear(diags);
    t = conform_entity_type(&c);
    if (t == NULL)
        return TS_E_INVALID;
    if (entity->attrs.kind == CEDAR_NONE)
        ok = conform_record(&c, &none, t->attrs, NULL);
    else
        ok = conform_value(
            &c, &entity->attrs,
            &(struct cedar_type){.kind = TYPE_RECORD, .as.attrs = t->attrs},
            NULL);
    for (size_t i = 0; i < entity->ancestor_count; i++) {
        if (!ok && conform_deaf(&c))
            break;
        ok = conform_parent(&c, t, &entity->ancestors[i]) && ok;
    }
    if (ok || !conform_deaf(&c))
        ok = check_tags(&c, t, &entity->tags) && ok;
    return ok ? TS_OK : TS_E_INVALID;
}
