#include "policy/validate/text.h"

#include "policy/core/diag.h"
#include "policy/core/unicode.h"
#include "policy/syntax/walk.h"

/* What is wrong with one text; the first that fits is told. */
enum flaw {
    SOUND = 0,
    BIDI_TEXT,
    MIXED_TEXT,
    BIDI_IDENTIFIER,
    ODD_IDENTIFIER,
    MIXED_IDENTIFIER,
    FLAWS
};

static const struct {
    const char *code, *what;
    const char
        *odd; /* of the character that is to blame; NULL: no single one */
    const char *hint;
} flaws[] = {
    [BIDI_TEXT] = {"bidi_text", "string", "reorders text on a screen",
                   "remove it, or write it as \\u{...} so that it is seen"},
    [MIXED_TEXT] = {"mixed_script", "string", NULL,
                    "check that no letter only looks like another"},
    [BIDI_IDENTIFIER] = {"bidi_identifier", "name", "reorders text on a screen",
                         "remove it"},
    [ODD_IDENTIFIER] = {"confusable_identifier", "name",
                        "Unicode does not recommend in names",
                        "use letters, digits and punctuation that print"},
    [MIXED_IDENTIFIER] = {"mixed_script_identifier", "name", NULL,
                          "check that no letter only looks like another"},
};

struct check {
    const struct ast_policy *policy;
    struct cedar_diags *diags;
    bool told[FLAWS];
};

static bool printable_ascii(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || (unsigned char)s.ptr[i] > 0x7E)
            return false;
    return true;
}

static enum flaw flaw_of(struct ts_str s, bool name, uint32_t *ret_char)
{
    *ret_char = 0;
    if (printable_ascii(s))
        return SOUND;
    if (cedar_find_bidi(s, ret_char))
        return name ? BIDI_IDENTIFIER : BIDI_TEXT;
    if (name && cedar_find_odd_identifier(s, ret_char))
        return ODD_IDENTIFIER;
    if (!cedar_single_script(s))
        return name ? MIXED_IDENTIFIER : MIXED_TEXT;
    return SOUND;
}

static void look_at(struct check *c, struct ts_str s, bool name,
                    struct cedar_span span)
{
    struct cedar_diag_about about = {.policy = &c->policy->id};
    uint32_t odd;
    enum flaw f = flaw_of(s, name, &odd);

    if (f == SOUND || c->told[f])
        return;
    c->told[f] = true;
    about.hint = flaws[f].hint;
    if (flaws[f].odd != NULL)
        cedar_diag_put(c->diags, CEDAR_WARNING, flaws[f].code, span, &about,
                       "the %s `%s` holds U+%04X, which %s", flaws[f].what,
                       cedar_quote(s).s, odd, flaws[f].odd);
    else
        cedar_diag_put(c->diags, CEDAR_WARNING, flaws[f].code, span, &about,
                       "the %s `%s` mixes letters of several scripts",
                       flaws[f].what, cedar_quote(s).s);
}

static bool visit(const struct ast_expr *x, void *arg)
{
    struct check *c = arg;

    switch ((unsigned)x->op) {
    case AST_STR:
    case AST_RUN:
        look_at(c, x->str, false, x->span);
        break;
    case AST_UID:
        look_at(c, x->id, true, x->span);
        break;
    case AST_GET:
    case AST_ATTR:
    case AST_FIELD:
        look_at(c, x->str, true, x->span);
        break;
    default: /* types and variables are ASCII, numbers need no look */
        break;
    }
    return true;
}

void cedar_text_warnings(const struct ast_policy *p, struct cedar_diags *diags)
{
    struct check c = {.policy = p, .diags = diags};

    ast_walk_policy(p, visit, &c);
}
