/* The three declarations of schema text. */
#include "policy/core/diag.h"
#include "policy/core/name.h"
#include "policy/schema/text_priv.h"

/* Names with commas between them. */
struct names {
    const struct decl_name *first, **end;
};

static void names_init(struct names *n)
{
    n->first = NULL;
    n->end = &n->first;
}

static ts_err names_add(struct schema_text *p, struct names *n,
                        struct decl_name name)
{
    struct decl_name *kept;
    ts_err e = text_alloc(p, sizeof(name), &kept);

    if (e != TS_OK)
        return e;
    *kept = name;
    *n->end = kept;
    n->end = &kept->next;
    return TS_OK;
}

typedef ts_err (*read_fn)(struct schema_text *p, const char *what,
                          struct decl_name *ret);

/* One name or more; no comma at the end. */
static ts_err read_names(struct schema_text *p, read_fn read, const char *what,
                         struct names *n)
{
    struct decl_name name;
    bool comma;
    ts_err e;

    do {
        if (n->first != NULL && text_at(p, ']'))
            return text_unexpected(p, what, "leave out the comma before it");
        if ((e = read(p, what, &name)) != TS_OK ||
            (e = names_add(p, n, name)) != TS_OK ||
            (e = text_skip_if(p, ',', &comma)) != TS_OK)
            return e;
    } while (comma);
    return TS_OK;
}

/* Path | '[' [ Path { ',' Path } ] ']' */
static ts_err entity_types(struct schema_text *p, struct names *n)
{
    struct decl_name name;
    bool list, none;
    ts_err e;

    if ((e = text_skip_if(p, '[', &list)) != TS_OK)
        return e;
    if (!list) {
        e = text_path(p, "an entity type or `[`", &name);
        return e != TS_OK ? e : names_add(p, n, name);
    }
    if ((e = text_skip_if(p, ']', &none)) != TS_OK || none)
        return e;
    if ((e = read_names(p, text_path, "an entity type", n)) != TS_OK)
        return e;
    return text_expect(p, ']', "`,` or `]`", NULL);
}

static bool starts_declaration(const struct schema_text *p)
{
    return text_at_word(p, "entity") || text_at_word(p, "action") ||
           text_at_word(p, "type") || text_at_word(p, "namespace") ||
           text_at(p, '@') || text_at(p, '}') || p->tok.kind == LEX_END;
}

/* A `;` that was forgotten costs only itself: what follows is read on. */
static ts_err end_declaration(struct schema_text *p)
{
    struct cedar_span after = p->last;
    ts_err e;

    if (text_at(p, ';'))
        return text_next(p);
    if (p->stop != TS_OK || !starts_declaration(p))
        return text_unexpected(p, "`;`", NULL);
    after.offset += after.len - 1;
    after.column += after.len - 1;
    after.len = 1;
    e = decl_fail(p->diags, "parse_error", after, "`;` missing after this",
                  "every declaration ends in a semicolon",
                  "this declaration does not end in `;`");
    p->failed = true;
    (void)e; /* noted in failed; the parser goes on */
    return TS_OK;
}

static ts_err check_declared(struct schema_text *p,
                             const struct decl_name *name)
{
    if (!cedar_is_internal(name->text))
        return TS_OK;
    return decl_fail(p->diags, "reserved_name", name->span, "a reserved name",
                     NULL, "`__cedar` is reserved for the language");
}

static ts_err enum_choices(struct schema_text *p, struct decl_entity *d)
{
    struct names choices;
    struct decl_name name;
    bool comma;
    ts_err e;

    names_init(&choices);
    d->is_enum = true;
    if ((e = text_next(p)) != TS_OK || /* enum */
        (e = text_expect(p, '[', "`[`", "write enum [\"a\", \"b\"]")) != TS_OK)
        return e;
    do {
        if ((e = text_string(p, &name)) != TS_OK ||
            (e = names_add(p, &choices, name)) != TS_OK ||
            (e = text_skip_if(p, ',', &comma)) != TS_OK)
            return e;
    } while (comma);
    d->choices = choices.first;
    return text_expect(p, ']', "`,` or `]`", NULL);
}

static ts_err standard(struct schema_text *p, struct decl_entity *d)
{
    struct names parents;
    bool equals;
    ts_err e;

    names_init(&parents);
    if (text_at_word(p, "in") && ((e = text_next(p)) != TS_OK ||
                                  (e = entity_types(p, &parents)) != TS_OK))
        return e;
    d->parents = parents.first;
    if ((e = text_skip_if(p, '=', &equals)) != TS_OK)
        return e;
    if (equals && !text_at(p, '{'))
        return text_unexpected(p, "`{`",
                               "attributes are written in braces here; a "
                               "named type cannot stand for them");
    if (text_at(p, '{') && (e = text_record(p, &d->shape)) != TS_OK)
        return e;
    if (!text_at_word(p, "tags"))
        return TS_OK;
    if ((e = text_next(p)) != TS_OK)
        return e;
    return text_type(p, &d->tags);
}

ts_err text_entity(struct schema_text *p, const struct decl_note *notes)
{
    struct decl_entity d = {.notes = notes}, *kept;
    struct names names;
    ts_err e;

    names_init(&names);
    if ((e = text_next(p)) != TS_OK || /* entity */
        (e = read_names(p, text_ident, "the name of an entity type", &names)) !=
            TS_OK)
        return e;
    d.names = names.first;
    e = text_at_word(p, "enum") ? enum_choices(p, &d) : standard(p, &d);
    if (e != TS_OK || (e = end_declaration(p)) != TS_OK)
        return e;
    for (const struct decl_name *n = d.names; n != NULL; n = n->next)
        if ((e = check_declared(p, n)) != TS_OK)
            return e;
    if ((e = text_alloc(p, sizeof(d), &kept)) != TS_OK)
        return e;
    *kept = d;
    *p->space->entity_end = kept;
    p->space->entity_end = &kept->next;
    return TS_OK;
}

ts_err text_common(struct schema_text *p, const struct decl_note *notes)
{
    struct decl_common d = {.notes = notes}, *kept;
    ts_err e;

    if ((e = text_next(p)) != TS_OK || /* type */
        (e = text_ident(p, "the name of a type", &d.name)) != TS_OK ||
        (e = text_expect(p, '=', "`=`", "write type Name = Type;")) != TS_OK ||
        (e = text_type(p, &d.type)) != TS_OK ||
        (e = end_declaration(p)) != TS_OK ||
        (e = check_declared(p, &d.name)) != TS_OK)
        return e;
    if (decl_common_reserved(d.name.text))
        return decl_fail(p->diags, "reserved_name", d.name.span,
                         "a reserved name", "choose another name",
                         "a common type cannot be called `%s`",
                         cedar_quote(d.name.text).s);
    if ((e = text_alloc(p, sizeof(d), &kept)) != TS_OK)
        return e;
    *kept = d;
    *p->space->common_end = kept;
    p->space->common_end = &kept->next;
    return TS_OK;
}

static ts_err duplicate_part(struct schema_text *p, struct cedar_span span,
                             const char *part)
{
    return decl_fail(p->diags, "duplicate_clause", span, "given again",
                     "name all of them in one list: [A, B]",
                     "`appliesTo` has two `%s` clauses", part);
}

static ts_err applies_list(struct schema_text *p, const char *part,
                           const struct decl_name **ret)
{
    struct cedar_span at = p->tok.span;
    struct names list;
    ts_err e;

    names_init(&list);
    if (*ret != NULL)
        return duplicate_part(p, at, part);
    if ((e = text_next(p)) != TS_OK ||
        (e = text_expect(p, ':', "`:`", NULL)) != TS_OK ||
        (e = entity_types(p, &list)) != TS_OK)
        return e;
    if (list.first == NULL)
        return decl_fail(p->diags, "empty_applies_to", text_since(p, at),
                         "no type at all",
                         "leave out appliesTo for an action that is only a "
                         "group",
                         "an action that applies to something has at least one "
                         "`%s` type",
                         part);
    *ret = list.first;
    return TS_OK;
}

static ts_err applies_context(struct schema_text *p, struct decl_action *d)
{
    struct decl_type *kept;
    struct decl_name name;
    ts_err e;

    if (d->context != NULL)
        return duplicate_part(p, p->tok.span, "context");
    if ((e = text_next(p)) != TS_OK ||
        (e = text_expect(p, ':', "`:`", NULL)) != TS_OK)
        return e;
    if (text_at(p, '{'))
        return text_record(p, &d->context);
    if ((e = text_path(p, "a record or the name of a type", &name)) != TS_OK ||
        (e = text_alloc(p, sizeof(*kept), &kept)) != TS_OK)
        return e;
    *kept = (struct decl_type){
        .kind = DECL_COMMON, .name = name.text, .span = name.span};
    d->context = kept;
    return TS_OK;
}

static ts_err applies_part(struct schema_text *p, struct decl_action *d)
{
    if (text_at_word(p, "principal"))
        return applies_list(p, "principal", &d->principals);
    if (text_at_word(p, "resource"))
        return applies_list(p, "resource", &d->resources);
    if (text_at_word(p, "context"))
        return applies_context(p, d);
    return text_unexpected(p, "`principal`, `resource` or `context`", NULL);
}

/* What is missing is found before the end of the declaration, which an official
 * engine would check first; both refuse it. */
static ts_err applies_to(struct schema_text *p, struct decl_action *d)
{
    struct cedar_span at = p->tok.span;
    bool comma = true;
    ts_err e;

    if ((e = text_next(p)) != TS_OK ||
        (e = text_expect(p, '{', "`{`", NULL)) != TS_OK)
        return e;
    do {
        if (!comma)
            return text_unexpected(
                p, "`,` or `}`",
                p->tok.kind == LEX_IDENT ? "put a comma before it" : NULL);
        if ((e = applies_part(p, d)) != TS_OK ||
            (e = text_skip_if(p, ',', &comma)) != TS_OK)
            return e;
    } while (!text_at(p, '}'));
    if ((e = text_next(p)) != TS_OK)
        return e;
    if (d->principals != NULL && d->resources != NULL)
        return TS_OK;
    return decl_fail(p->diags, "empty_applies_to", at, "incomplete",
                     "principal and resource are both needed; an action that "
                     "is only a group has no appliesTo",
                     "`appliesTo` does not say which %s the action applies to",
                     d->principals == NULL ? "principals" : "resources");
}

static ts_err action_parents(struct schema_text *p, struct decl_action *d)
{
    const struct decl_ref **end = &d->parents;
    bool list, comma;
    ts_err e;

    d->has_parents = true;
    if ((e = text_next(p)) != TS_OK || /* in */
        (e = text_skip_if(p, '[', &list)) != TS_OK)
        return e;
    do {
        struct decl_ref ref, *kept;

        if ((e = text_action_ref(p, &ref)) != TS_OK ||
            (e = text_alloc(p, sizeof(ref), &kept)) != TS_OK)
            return e;
        *kept = ref;
        *end = kept;
        end = &kept->next;
        comma = false;
        if (list && (e = text_skip_if(p, ',', &comma)) != TS_OK)
            return e;
    } while (comma);
    return list ? text_expect(p, ']', "`,` or `]`", NULL) : TS_OK;
}

/* `attributes {}` is all that is left of attributes of actions. */
static ts_err no_attributes(struct schema_text *p)
{
    static const char hint[] = "actions have no attributes; leave it out";
    ts_err e;

    if ((e = text_next(p)) != TS_OK ||
        (e = text_expect(p, '{', "`{`", hint)) != TS_OK)
        return e;
    return text_expect(p, '}', "`}`", hint);
}

ts_err text_action(struct schema_text *p, const struct decl_note *notes)
{
    struct decl_action d = {.notes = notes, .has_applies = true}, *kept;
    struct names names;
    ts_err e;

    names_init(&names);
    if ((e = text_next(p)) != TS_OK || /* action */
        (e = read_names(p, text_ident_or_string, "the name of an action",
                        &names)) != TS_OK)
        return e;
    d.names = names.first;
    if (text_at_word(p, "in") && (e = action_parents(p, &d)) != TS_OK)
        return e;
    if (text_at_word(p, "appliesTo") && (e = applies_to(p, &d)) != TS_OK)
        return e;
    if (text_at_word(p, "attributes") && (e = no_attributes(p)) != TS_OK)
        return e;
    if (text_at(p, '{'))
        return text_unexpected(p, "`;`", "write appliesTo before the braces");
    if ((e = end_declaration(p)) != TS_OK ||
        (e = text_alloc(p, sizeof(d), &kept)) != TS_OK)
        return e;
    *kept = d;
    *p->space->action_end = kept;
    p->space->action_end = &kept->next;
    return TS_OK;
}
