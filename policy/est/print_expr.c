/* Expressions as the official engine writes them: operators as they stood in
 * the text, chains nested to the left, a pattern letter by letter. */
#include "policy/core/lit.h"
#include "policy/core/utf8.h"
#include "policy/est/print.h"
#include "proto/base/ts_require.h"

static const struct ts_str left_key = CEDAR_LIT("left");
static const struct ts_str right_key = CEDAR_LIT("right");

static void begin_op(struct est_printer *p, struct ts_str name)
{
    cedar_json_write_begin(&p->w, '{');
    cedar_json_write_key(&p->w, name);
    cedar_json_write_begin(&p->w, '{');
}

static void end_op(struct est_printer *p)
{
    cedar_json_write_end(&p->w, '}');
    cedar_json_write_end(&p->w, '}');
}

static void member(struct est_printer *p, struct ts_str key,
                   const struct ast_expr *x)
{
    cedar_json_write_key(&p->w, key);
    est_print_expr(p, x);
}

static void print_one(struct est_printer *p, struct ts_str name,
                      const struct ast_expr *x)
{
    begin_op(p, name);
    member(p, TS_STR_LIT("arg"), x->first);
    end_op(p);
}

static void print_two(struct est_printer *p, struct ts_str name,
                      const struct ast_expr *x)
{
    begin_op(p, name);
    member(p, left_key, x->first);
    member(p, right_key, x->first->next);
    end_op(p);
}

static void print_rel(struct est_printer *p, const struct ast_expr *x)
{
    static const struct ts_str names[] = {
        [AST_EQ] = CEDAR_LIT("=="), [AST_NE] = CEDAR_LIT("!="),
        [AST_LT] = CEDAR_LIT("<"),  [AST_LE] = CEDAR_LIT("<="),
        [AST_GT] = CEDAR_LIT(">"),  [AST_GE] = CEDAR_LIT(">="),
        [AST_IN] = CEDAR_LIT("in"),
    };

    print_two(p, names[x->sub], x);
}

static void print_method(struct est_printer *p, const struct ast_expr *x)
{
    static const struct ts_str names[] = {
        [AST_CONTAINS] = CEDAR_LIT("contains"),
        [AST_CONTAINS_ALL] = CEDAR_LIT("containsAll"),
        [AST_CONTAINS_ANY] = CEDAR_LIT("containsAny"),
        [AST_IS_EMPTY] = CEDAR_LIT("isEmpty"),
        [AST_HAS_TAG] = CEDAR_LIT("hasTag"),
        [AST_GET_TAG] = CEDAR_LIT("getTag"),
    };

    if (x->sub == AST_IS_EMPTY)
        print_one(p, names[x->sub], x);
    else
        print_two(p, names[x->sub], x);
}

static struct ts_str chain_name(const struct ast_expr *chain,
                                const struct ast_expr *kid)
{
    if (chain->op == AST_OR)
        return TS_STR_LIT("||");
    if (chain->op == AST_AND)
        return TS_STR_LIT("&&");
    if (chain->op == AST_MUL)
        return TS_STR_LIT("*");
    return kid->join == '-' ? TS_STR_LIT("-") : TS_STR_LIT("+");
}

/* `a - b + c` is {"+": {left: {"-": {left: a, right: b}}, right: c}}: the last
 * operator is the outermost, so the kids are needed from either end. */
static void print_chain(struct est_printer *p, const struct ast_expr *x)
{
    const struct ast_expr **kids, *k = x->first;
    void *mem;
    ts_err e = ts_arena_array(&p->temp, x->count, sizeof(*kids), &mem);

    if (e != TS_OK) {
        p->w.err = e;
        return;
    }
    kids = mem;
    for (uint32_t i = 0; i < x->count; i++, k = k->next)
        kids[i] = k;
    for (uint32_t i = x->count; i-- > 1;) {
        begin_op(p, chain_name(x, kids[i]));
        cedar_json_write_key(&p->w, left_key);
    }
    est_print_expr(p, kids[0]);
    for (uint32_t i = 1; i < x->count; i++) {
        member(p, right_key, kids[i]);
        end_op(p);
    }
}

static void print_list(struct est_printer *p, struct ts_str name,
                       const struct ast_expr *x)
{
    cedar_json_write_begin(&p->w, '{');
    cedar_json_write_key(&p->w, name);
    cedar_json_write_begin(&p->w, '[');
    for (const struct ast_expr *k = x->first; k != NULL; k = k->next)
        est_print_expr(p, k);
    cedar_json_write_end(&p->w, ']');
    cedar_json_write_end(&p->w, '}');
}

static void print_record(struct est_printer *p, const struct ast_expr *x)
{
    begin_op(p, TS_STR_LIT("Record"));
    for (const struct ast_expr *f = x->first; f != NULL; f = f->next)
        member(p, f->str, f->first);
    end_op(p);
}

static void print_get(struct est_printer *p, const struct ast_expr *x)
{
    begin_op(p, TS_STR_LIT("."));
    member(p, left_key, x->first);
    cedar_json_write_key(&p->w, TS_STR_LIT("attr"));
    cedar_json_write_str(&p->w, x->str);
    end_op(p);
}

static void print_has(struct est_printer *p, const struct ast_expr *x)
{
    begin_op(p, TS_STR_LIT("has"));
    member(p, left_key, x->first);
    cedar_json_write_key(&p->w, TS_STR_LIT("attr"));
    if (x->count > 2)
        cedar_json_write_begin(&p->w, '[');
    for (const struct ast_expr *a = x->first->next; a != NULL; a = a->next)
        cedar_json_write_str(&p->w, a->str);
    if (x->count > 2)
        cedar_json_write_end(&p->w, ']');
    end_op(p);
}

static void print_run(struct est_printer *p, struct ts_str run)
{
    for (size_t at = 0; at < run.len;) {
        size_t from = at;

        (void)cedar_utf8_next(run, &at);
        cedar_json_write_begin(&p->w, '{');
        cedar_json_write_key(&p->w, TS_STR_LIT("Literal"));
        cedar_json_write_str(
            &p->w, (struct ts_str){.ptr = run.ptr + from, .len = at - from});
        cedar_json_write_end(&p->w, '}');
    }
}

static void print_like(struct est_printer *p, const struct ast_expr *x)
{
    begin_op(p, TS_STR_LIT("like"));
    member(p, left_key, x->first);
    cedar_json_write_key(&p->w, TS_STR_LIT("pattern"));
    cedar_json_write_begin(&p->w, '[');
    for (const struct ast_expr *r = x->first->next; r != NULL; r = r->next) {
        print_run(p, r->str);
        if (r->next != NULL)
            cedar_json_write_str(&p->w, TS_STR_LIT("Wildcard"));
    }
    cedar_json_write_end(&p->w, ']');
    end_op(p);
}

static void print_is(struct est_printer *p, const struct ast_expr *x)
{
    begin_op(p, TS_STR_LIT("is"));
    member(p, left_key, x->first);
    cedar_json_write_key(&p->w, TS_STR_LIT("entity_type"));
    cedar_json_write_str(&p->w, x->str);
    if (x->count > 1)
        member(p, TS_STR_LIT("in"), x->first->next);
    end_op(p);
}

static void print_if(struct est_printer *p, const struct ast_expr *x)
{
    static const struct ts_str keys[] = {CEDAR_LIT("if"), CEDAR_LIT("then"),
                                         CEDAR_LIT("else")};
    const struct ast_expr *k = x->first;
    begin_op(p, TS_STR_LIT("if-then-else"));
    for (size_t i = 0; i < 3; i++, k = k->next)
        member(p, keys[i], k);
    end_op(p);
}

static void print_leaf(struct est_printer *p, const struct ast_expr *x)
{
    static const struct ts_str vars[] = {
        [AST_PRINCIPAL] = CEDAR_LIT("principal"),
        [AST_ACTION] = CEDAR_LIT("action"),
        [AST_RESOURCE] = CEDAR_LIT("resource"),
        [AST_CONTEXT] = CEDAR_LIT("context"),
    };
    struct json_writer *w = &p->w;

    cedar_json_write_begin(w, '{');
    cedar_json_write_key(w, x->op == AST_VAR ? TS_STR_LIT("Var")
                                             : TS_STR_LIT("Value"));
    if (x->op == AST_VAR) {
        cedar_json_write_str(w, vars[x->sub]);
    } else if (x->op == AST_BOOL) {
        cedar_json_write_bool(w, x->num != 0);
    } else if (x->op == AST_INT) {
        cedar_json_write_int(w, x->num);
    } else if (x->op == AST_STR) {
        cedar_json_write_str(w, x->str);
    } else {
        begin_op(p, TS_STR_LIT("__entity"));
        cedar_json_write_key(w, TS_STR_LIT("type"));
        cedar_json_write_str(w, x->str);
        cedar_json_write_key(w, TS_STR_LIT("id"));
        cedar_json_write_str(w, x->id);
        end_op(p);
    }
    cedar_json_write_end(w, '}');
}

void est_print_expr(struct est_printer *p, const struct ast_expr *x)
{
    switch (x->op) {
    case AST_BOOL:
    case AST_INT:
    case AST_STR:
    case AST_UID:
    case AST_VAR:
        print_leaf(p, x);
        break;
    case AST_OR:
    case AST_AND:
    case AST_ADD:
    case AST_MUL:
        print_chain(p, x);
        break;
    case AST_REL:
        print_rel(p, x);
        break;
    case AST_HAS:
        print_has(p, x);
        break;
    case AST_LIKE:
        print_like(p, x);
        break;
    case AST_IS:
        print_is(p, x);
        break;
    case AST_NOT:
        print_one(p, TS_STR_LIT("!"), x);
        break;
    case AST_NEG:
        print_one(p, TS_STR_LIT("neg"), x);
        break;
    case AST_GET:
        print_get(p, x);
        break;
    case AST_METHOD:
        print_method(p, x);
        break;
    case AST_EXT:
        print_list(p, cedar_ext_info((enum cedar_ext)x->sub)->name, x);
        break;
    case AST_SET:
        print_list(p, TS_STR_LIT("Set"), x);
        break;
    case AST_RECORD:
        print_record(p, x);
        break;
    case AST_IF:
        print_if(p, x);
        break;
    case AST_ATTR:
    case AST_RUN:
    case AST_FIELD:
    case AST_OP_COUNT:
        TS_REQUIRE(false); /* never an expression of its own */
    }
}
