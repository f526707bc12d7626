/* Small things that both syntaxes of a schema share. */
#include "policy/schema/decl.h"

#include "policy/core/diag.h"
#include "policy/core/lit.h"
#include "policy/core/name.h"

void decl_init(struct schema_decls *d)
{
    *d = (struct schema_decls){0};
    d->end = &d->spaces;
}

ts_err decl_space_add(struct schema_decls *d, struct ts_arena *arena,
                      struct decl_name name, struct decl_space **ret)
{
    struct decl_space *s;
    void *p;
    ts_err e = ts_arena_alloc(arena, sizeof(*s), &p);

    if (e != TS_OK)
        return e;
    s = p;
    s->name = name;
    s->common_end = &s->commons;
    s->entity_end = &s->entities;
    s->action_end = &s->actions;
    *d->end = s;
    d->end = &s->next;
    *ret = s;
    return TS_OK;
}

bool decl_common_reserved(struct ts_str name)
{
    static const struct ts_str words[] = {
        CEDAR_LIT("Bool"),   CEDAR_LIT("Boolean"), CEDAR_LIT("Entity"),
        CEDAR_LIT("Record"), CEDAR_LIT("Long"),    CEDAR_LIT("Extension"),
        CEDAR_LIT("Set"),    CEDAR_LIT("String"),
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (ts_str_eq(name, words[i]))
            return true;
    return false;
}

bool decl_ident_ok(struct ts_str name)
{
    return cedar_is_ident(name) && !cedar_is_reserved(name);
}

bool decl_ref_ok(struct ts_str name)
{
    for (;;) {
        size_t n = cedar_ident_len(name);

        if (!decl_ident_ok((struct ts_str){.ptr = name.ptr, .len = n}))
            return false;
        if (n == name.len)
            return true;
        if (name.len - n < 3 || name.ptr[n] != ':' || name.ptr[n + 1] != ':')
            return false;
        name.ptr += n + 2;
        name.len -= n + 2;
    }
}

ts_err decl_fail(struct cedar_diags *diags, const char *code,
                 struct cedar_span span, const char *label, const char *hint,
                 const char *fmt, ...)
{
    struct cedar_diag_about about = {.label = label, .hint = hint};
    va_list ap;

    va_start(ap, fmt);
    cedar_diag_vput(diags, CEDAR_ERROR, code, span, &about, fmt, ap);
    va_end(ap);
    return TS_E_FORMAT;
}
