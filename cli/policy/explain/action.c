/*
 * Whether a policy's scope admits the action of a request. Cedar asks about the
 * principal first and stops there, so an explanation often does not say; for
 * leaving out what is about other actions it must be known all the same.
 */
#include "cli/policy/explain/view.h"

/* The entity in text that begins at a uid, and where it ends. */
static bool take_uid(struct ts_str *text, struct ts_str *ret)
{
    size_t at = 0;
    bool quoted = false;

    while (text->len > 0 && (text->ptr[0] == ' ' || text->ptr[0] == ',' ||
                             text->ptr[0] == '[')) {
        text->ptr++;
        text->len--;
    }
    for (; at < text->len; at++) {
        char c = text->ptr[at];

        if (quoted && c == '\\')
            at++;
        else if (c == '"' && quoted)
            break;
        else if (c == '"')
            quoted = true;
        else if (!quoted && (c == ']' || c == ','))
            return false;
    }
    if (at >= text->len)
        return false;
    *ret = (struct ts_str){.ptr = text->ptr, .len = at + 1};
    text->ptr += at + 1;
    text->len -= at + 1;
    return true;
}

static bool is_below(const struct explain_view *v, const struct cedar_uid *uid)
{
    const struct cedar_uid *const *list;
    size_t n;

    if (cedar_uid_eq(&v->req->action, uid))
        return true;
    if (v->entities == NULL)
        return false;
    n = cedar_entity_ancestors(v->entities, &v->req->action, &list);
    for (size_t i = 0; i < n; i++)
        if (cedar_uid_eq(list[i], uid))
            return true;
    return false;
}

/* True when in doubt. */
bool explain_admits_action(const struct explain_view *v,
                           const struct cedar_clause *c)
{
    struct ts_str text = explain_text(v, c->span, SIZE_MAX), part;
    bool in = ts_str_starts(text, TS_STR_LIT("action in "));

    if (!in && !ts_str_starts(text, TS_STR_LIT("action == ")))
        return true;
    text.ptr += 10;
    text.len -= 10;
    while (take_uid(&text, &part)) {
        struct cedar_source s = {.name = "", .text = part};
        struct cedar_uid uid;

        if (cedar_uid_parse(v->arena, &s, &uid, NULL) != TS_OK)
            return true;
        if (in ? is_below(v, &uid) : cedar_uid_eq(&v->req->action, &uid))
            return true;
    }
    return false;
}
