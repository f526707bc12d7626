/*
 * Schema text, docs.cedarpolicy.com/schema/human-readable-schema-grammar.html:
 * namespaces and the declarations in and outside them.
 */
#include "policy/core/diag.h"
#include "policy/core/name.h"
#include "policy/schema/text_priv.h"

/* Reads over what is left of a declaration that has a mistake. Braces that it
 * opened are its own; the one that closes the namespace is not. */
static void recover(struct schema_text *p)
{
    while (p->tok.kind != LEX_END) {
        bool last = text_at(p, ';');

        if (text_at(p, '}') && p->braces == 0)
            return;
        if (text_next(p) != TS_OK || last)
            return;
    }
}

/* What stands in it is not read: it would seem to be in the outer one. */
static ts_err nested(struct schema_text *p)
{
    ts_err e = text_unexpected(p, "a declaration or `}`",
                               "namespaces do not nest; write namespace A::B");

    while (!text_at(p, '{') && !text_at(p, '}') && !text_at(p, ';') &&
           p->tok.kind != LEX_END)
        if (text_next(p) != TS_OK)
            return p->stop;
    if (!text_at(p, '{'))
        return e;
    do {
        if (text_next(p) != TS_OK)
            return p->stop;
    } while (p->tok.kind != LEX_END && !(text_at(p, '}') && p->braces == 1));
    p->closed = true;
    return text_next(p) != TS_OK ? p->stop : e;
}

static ts_err declaration(struct schema_text *p, const struct decl_note *notes)
{
    p->braces = 0;
    p->depth = 0;
    if (text_at_word(p, "entity"))
        return text_entity(p, notes);
    if (text_at_word(p, "action"))
        return text_action(p, notes);
    if (text_at_word(p, "type"))
        return text_common(p, notes);
    if (text_at_word(p, "namespace"))
        return nested(p);
    if (text_at(p, ';'))
        return text_unexpected(p, "a declaration",
                               "there is one semicolon too many");
    return text_unexpected(p, "`entity`, `action` or `type`", NULL);
}

/* Goes on after a mistake; false when the source cannot be read on. */
static bool noted(struct schema_text *p, ts_err e)
{
    if (e == TS_OK)
        return true;
    p->failed = true;
    if (p->stop == TS_OK && !p->closed)
        recover(p);
    p->closed = false;
    return p->stop == TS_OK;
}

static ts_err inside(struct schema_text *p)
{
    const struct decl_note *notes;
    ts_err e;

    while (!text_at(p, '}')) {
        if (p->tok.kind == LEX_END)
            return text_unexpected(p, "`}`", "this namespace is not closed");
        e = text_notes(p, &notes);
        if (e == TS_OK)
            e = declaration(p, notes);
        if (!noted(p, e))
            return p->stop;
    }
    return text_next(p);
}

static ts_err namespace_named(struct schema_text *p,
                              const struct decl_note *notes)
{
    struct decl_name name;
    ts_err e;

    if ((e = text_next(p)) != TS_OK ||
        (e = text_path(p, "the name of a namespace", &name)) != TS_OK)
        return e;
    if (!cedar_name_ok(name.text)) {
        e = decl_fail(p->diags, "reserved_name", name.span, "a reserved name",
                      NULL, "`__cedar` is reserved for the language");
        p->failed = true;
    }
    if ((e = text_expect(p, '{', "`{`", NULL)) != TS_OK)
        return e;
    e = decl_space_add(p->decls, p->arena, name, &p->space);
    if (e != TS_OK) {
        p->stop = e;
        return e;
    }
    p->space->notes = notes;
    p->braces = 0;
    return inside(p);
}

static ts_err outside(struct schema_text *p, const struct decl_note *notes)
{
    struct decl_name none = {.text = TS_STR_LIT(""), .span = p->tok.span};
    ts_err e;

    if (p->open == NULL &&
        (e = decl_space_add(p->decls, p->arena, none, &p->open)) != TS_OK) {
        p->stop = e;
        return e;
    }
    p->space = p->open;
    return declaration(p, notes);
}

static ts_err top(struct schema_text *p)
{
    const struct decl_note *notes;
    ts_err e = text_notes(p, &notes);

    if (e != TS_OK)
        return e;
    if (text_at_word(p, "namespace"))
        return namespace_named(p, notes);
    if (text_at(p, ';') && p->last.len == 1 &&
        p->lex.src.ptr[p->last.offset] == '}')
        return text_unexpected(p, "a declaration",
                               "no semicolon stands after a namespace");
    return outside(p, notes);
}

ts_err schema_parse_text(struct schema_decls *d, struct ts_arena *arena,
                         struct ts_str text, uint32_t source,
                         struct cedar_diags *diags)
{
    struct schema_text p = {.arena = arena, .decls = d, .diags = diags};
    struct cedar_span bad;

    if (cedar_utf8_find_bad(text, source, &bad))
        return decl_fail(diags, "parse_error", bad, "not UTF-8", NULL,
                         "the schema is not valid UTF-8");
    cedar_lex_init(&p.lex, text, source, diags);
    if (text_next(&p) != TS_OK)
        return p.stop;
    while (p.tok.kind != LEX_END) {
        bool closing = text_at(&p, '}');

        if (!noted(&p, top(&p)))
            return p.stop;
        /* Nothing is open out here. */
        if (closing && text_at(&p, '}') && text_next(&p) != TS_OK)
            return p.stop;
    }
    return p.failed ? TS_E_FORMAT : TS_OK;
}
