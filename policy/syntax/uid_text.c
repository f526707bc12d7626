/* One entity uid in Cedar text, as a command line or a file of links has it. */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/utf8.h"
#include "policy/syntax/parse_priv.h"

ts_err cedar_uid_parse(struct ts_arena *arena,
                       const struct cedar_source *source, struct cedar_uid *ret,
                       struct cedar_diags *diags)
{
    const struct cedar_options options = {.max_depth = CEDAR_EXPR_DEPTH};
    struct parser p = {.arena = arena, .diags = diags, .options = &options};
    struct cedar_span bad;
    struct ast_expr *uid = NULL;
    const char *type, *id;
    ts_err e;

    if (source->text.len > CEDAR_POLICY_BYTES)
        return TS_E_LIMIT;
    if (cedar_utf8_find_bad(source->text, 0, &bad)) {
        cedar_diag_add(diags, "bad_utf8", bad, NULL, "the text is not UTF-8");
        return TS_E_FORMAT;
    }
    cedar_lex_init(&p.lex, source->text, 0, diags);
    if ((e = cedar_parse_advance(&p)) != TS_OK ||
        (e = cedar_parse_uid(&p, &uid)) != TS_OK)
        return e;
    if (p.tok.kind != LEX_END)
        return cedar_parse_unexpected(&p, "nothing after Type::\"id\"", NULL);
    /* parts of the text that need no unescaping are borrowed by the tree */
    if ((e = ts_arena_strndup(arena, uid->str.ptr, uid->str.len, &type)) !=
            TS_OK ||
        (e = ts_arena_strndup(arena, uid->id.ptr, uid->id.len, &id)) != TS_OK)
        return e;
    *ret = cedar_uid_make((struct ts_str){.ptr = type, .len = uid->str.len},
                          (struct ts_str){.ptr = id, .len = uid->id.len});
    return TS_OK;
}
