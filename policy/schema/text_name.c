/* Names of schema text: identifiers, strings, paths, annotations. */
#include <string.h>

#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/core/utf8.h"
#include "policy/schema/text_priv.h"

ts_err text_ident(struct schema_text *p, const char *what,
                  struct decl_name *ret)
{
    struct cedar_quoted q = cedar_quote(p->tok.text);

    if (p->tok.kind != LEX_IDENT)
        return text_unexpected(p, what, NULL);
    if (cedar_is_reserved(p->tok.text))
        return decl_fail(
            p->diags, "reserved_name", p->tok.span, "a reserved word", NULL,
            "`%s` is a reserved word of Cedar, expected %s", q.s, what);
    *ret = (struct decl_name){.text = p->tok.text, .span = p->tok.span};
    return text_next(p);
}

ts_err text_string(struct schema_text *p, struct decl_name *ret)
{
    struct lex_string s;
    ts_err e = TS_OK;
    uint32_t c;
    size_t len = 0;
    char *out;

    if (p->tok.kind != LEX_STRING)
        return text_unexpected(p, "a string in double quotes", NULL);
    *ret = (struct decl_name){.text = p->tok.text, .span = p->tok.span};
    /* No escape is shorter than what it stands for. */
    if ((e = text_alloc(p, p->tok.text.len + 1, &out)) != TS_OK)
        return e;
    cedar_lex_string_init(&s, &p->tok, false, p->diags);
    while (cedar_lex_string_next(&s, &c, &e))
        len += cedar_utf8_put(out + len, c);
    if (e != TS_OK)
        return e;
    ret->text = (struct ts_str){.ptr = out, .len = len};
    return text_next(p);
}

ts_err text_ident_or_string(struct schema_text *p, const char *what,
                            struct decl_name *ret)
{
    if (p->tok.kind == LEX_STRING)
        return text_string(p, ret);
    return text_ident(p, what, ret);
}

/* Normal form has no blanks: nearly always that is the source itself, and what
 * is written otherwise is copied once, whatever its length. */
static ts_err normal_path(struct schema_text *p, struct cedar_span span,
                          const char *start, struct ts_str *ret)
{
    struct lex lx;
    struct lex_token t;
    size_t n = 0;
    char *out;
    ts_err e;

    *ret = (struct ts_str){.ptr = start, .len = span.len};
    if (decl_ref_ok(*ret))
        return TS_OK;
    if ((e = text_alloc(p, (size_t)span.len + 1, &out)) != TS_OK)
        return e;
    cedar_lex_init(&lx, *ret, span.source, NULL);
    while ((e = cedar_lex_next(&lx, &t)) == TS_OK && t.kind != LEX_END) {
        memcpy(out + n, t.text.ptr, t.text.len);
        n += t.text.len;
    }
    *ret = (struct ts_str){.ptr = out, .len = n};
    return e;
}

/* Reads IDENT { :: IDENT }, and with ret_string also a last `:: STR`. */
static ts_err read_path(struct schema_text *p, const char *what,
                        struct decl_name *ret, struct decl_name *ret_string)
{
    const char *start = p->tok.text.ptr;
    struct decl_name part, path;
    struct ts_str text;
    ts_err e = text_ident(p, what, &part);

    if (e != TS_OK)
        return e;
    path = part;
    while (p->tok.kind == LEX_PATH) {
        if ((e = text_next(p)) != TS_OK)
            return e;
        if (ret_string != NULL && p->tok.kind == LEX_STRING) {
            if ((e = text_string(p, ret_string)) != TS_OK)
                return e;
            break;
        }
        if ((e = text_ident(p, "a name after `::`", &part)) != TS_OK)
            return e;
        path.span.len = part.span.offset + part.span.len - path.span.offset;
    }
    if ((e = normal_path(p, path.span, start, &text)) != TS_OK)
        return e;
    *ret = (struct decl_name){.text = text, .span = path.span};
    return TS_OK;
}

ts_err text_path(struct schema_text *p, const char *what, struct decl_name *ret)
{
    return read_path(p, what, ret, NULL);
}

ts_err text_action_ref(struct schema_text *p, struct decl_ref *ret)
{
    struct cedar_span from = p->tok.span;
    struct decl_name path = {0}, id = {0};
    ts_err e;

    if (p->tok.kind == LEX_STRING) {
        if ((e = text_string(p, &id)) != TS_OK)
            return e;
        *ret = (struct decl_ref){.id = id.text, .span = from};
        return TS_OK;
    }
    if ((e = read_path(p, "an action", &path, &id)) != TS_OK)
        return e;
    from = text_since(p, from);
    if (id.span.len > 0) {
        *ret =
            (struct decl_ref){.type = path.text, .id = id.text, .span = from};
        return TS_OK;
    }
    if (cedar_name_base(path.text).len != path.text.len)
        return decl_fail(p->diags, "parse_error", from, "not an action",
                         "write it as Name::Space::Action::\"id\"",
                         "an action of another namespace is named by its type "
                         "and its id in quotes");
    *ret = (struct decl_ref){.id = path.text, .span = from};
    return TS_OK;
}

static ts_err read_note(struct schema_text *p, struct decl_note *ret)
{
    struct decl_name value;
    bool open;
    ts_err e;

    /* In text, no value is the empty value. */
    *ret = (struct decl_note){
        .value = TS_STR_LIT(""), .has_value = true, .span = p->tok.span};
    if ((e = text_next(p)) != TS_OK) /* @ */
        return e;
    if (p->tok.kind != LEX_IDENT)
        return text_unexpected(p, "the name of an annotation", NULL);
    ret->key = p->tok.text;
    if ((e = text_next(p)) != TS_OK ||
        (e = text_skip_if(p, '(', &open)) != TS_OK)
        return e;
    if (open) {
        if ((e = text_string(p, &value)) != TS_OK ||
            (e = text_expect(p, ')', "`)`", NULL)) != TS_OK)
            return e;
        ret->value = value.text;
    }
    ret->span = text_since(p, ret->span);
    return TS_OK;
}

ts_err text_notes(struct schema_text *p, const struct decl_note **ret)
{
    const struct decl_note *first = NULL, **end = &first;
    uint32_t count = 0;
    ts_err e;

    while (text_at(p, '@')) {
        struct decl_note n, *kept;

        if ((e = read_note(p, &n)) != TS_OK)
            return e;
        if (++count > CEDAR_SCHEMA_NOTES)
            return decl_fail(p->diags, "limit", n.span, "one too many", NULL,
                             "more than %d annotations in one place",
                             CEDAR_SCHEMA_NOTES);
        for (const struct decl_note *o = first; o != NULL; o = o->next)
            if (ts_str_eq(o->key, n.key))
                return decl_fail(p->diags, "duplicate_annotation", n.span,
                                 "given again", "leave one of them out",
                                 "annotation `@%s` is given twice",
                                 cedar_quote(n.key).s);
        if ((e = text_alloc(p, sizeof(n), &kept)) != TS_OK)
            return e;
        *kept = n;
        *end = kept;
        end = &kept->next;
    }
    *ret = first;
    return TS_OK;
}
