#include "tests/lib/ts_test.h"

#include "conform_help.h"

const char cf_schema_text[] =
    "entity G in [G2];\n"
    "entity G2;\n"
    "entity E enum [\"a\", \"b\"];\n"
    "entity S in [S];\n"
    "type Addr = { zip: Long, street?: String };\n"
    "entity U in [G] { n: Long, b?: Bool, s?: String, ip?: ipaddr,\n"
    "  dt?: datetime, du?: duration, de?: decimal, u?: U, e?: E, act?: "
    "Action,\n"
    "  r?: { x: Long, y?: ipaddr }, addr?: { home: Addr, \"odd key\"?: Long "
    "},\n"
    "  set?: Set<Long>, us?: Set<U>, ips?: Set<ipaddr>, em?: {},\n"
    "  deep?: Set<{ a: Set<E> }> } tags ipaddr;\n"
    "entity T;\n"
    "action a in [b] appliesTo { principal: [U, E], resource: [T],\n"
    "  context: { u?: U, i?: ipaddr, e?: E, long?: Long, r?: Addr } };\n"
    "action b in [c];\n"
    "action c;\n"
    "action strict appliesTo { principal: U, resource: U,\n"
    "  context: { ok: Bool, addr: Addr, tags: Set<String> } };\n";

struct cedar_schema *cf_schema;
struct ts_arena cf_arena;
struct cedar_diags cf_diags;

int cf_setup_schema(void **state)
{
    struct cedar_source src = {.name = "schema",
                               .text = ts_str_of(cf_schema_text)};

    (void)state;
    return cedar_schema_parse(&src, 1, &cf_schema, &cf_diags) == TS_OK ? 0 : -1;
}

int cf_teardown_schema(void **state)
{
    (void)state;
    cedar_schema_free(cf_schema);
    cf_schema = NULL;
    return 0;
}

int cf_setup(void **state)
{
    (void)state;
    ts_arena_init(&cf_arena, (size_t)8 << 20);
    return 0;
}

int cf_teardown(void **state)
{
    (void)state;
    ts_arena_done(&cf_arena);
    return 0;
}

ts_err cf_load(const char *text, size_t len, struct cedar_entities **ret)
{
    struct cedar_source src = {.name = "e", .text = {text, len}};

    return cedar_entities_parse_schema(cf_schema, &src, 1, ret, &cf_diags);
}

struct cedar_uid cf_uid(const char *type, const char *id)
{
    return cedar_uid_make(ts_str_of(type), ts_str_of(id));
}

ts_err cf_context(const char *action, const char *text, struct cedar_value *ret)
{
    struct cedar_source src = {.name = "c", .text = ts_str_of(text)};
    struct cedar_uid act = cf_uid("Action", action);

    return cedar_context_parse(&cf_arena, cf_schema, &act, &src, ret,
                               &cf_diags);
}

struct cedar_value cf_record(const struct cedar_field *fields, size_t n)
{
    struct cedar_value v = {0};

    assert_int_equal(cedar_record_make(&cf_arena, fields, n, &v), TS_OK);
    return v;
}
