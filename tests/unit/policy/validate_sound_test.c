/*
 * What the validator promises: a policy that it accepts raises no type error
 * and misses no attribute on data that fits the schema (arithmetic may
 * overflow, entities may be absent), and one that it calls impossible is never
 * satisfied. Random policies from a small grammar meet random data made from
 * the schema.
 */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/cedar_schema.h"
#include "policy/schema/schema.h"

#define ROUNDS   20000
#define REQUESTS 12

static const char schema_text[] =
    "entity Team in [Team]; entity Fold; entity Level enum [\"lo\", \"hi\"];"
    "entity User in [Team] { age: Long, mgr?: User, email: String,"
    "  rec?: {a?: {b?: Long}, c: Long}, dec: decimal, wait?: duration,"
    "  on: Bool, peers: Set<User> } tags String;"
    "entity Bot { age: Long, mgr?: Bot, email: Long };"
    "entity Doc in [Fold] { owner: User, marks: Set<String>, ip: ipaddr,"
    "  when: datetime, level: Level } tags Set<Long>;"
    "action read, write in [rw] appliesTo { principal: [User, Bot],"
    "  resource: [Doc, Fold], context: { mfa: Bool, n?: Long, u?: User,"
    "  t: datetime, r: {x: Long, y?: {z: String}} } };"
    "action rw; action run appliesTo { principal: User, resource: Doc };";

/* A capital letter after % stands for a random text of its kind. */
struct rule {
    char kind;
    const char *text;
};

static const struct rule grammar[] = {
    /* conditions */
    {'B', "true"},
    {'B', "false"},
    {'B', "(%B && %B)"},
    {'B', "(%B || %B)"},
    {'B', "!(%B)"},
    {'B', "(if %B then %B else %B)"},
    {'B', "(%L < %L)"},
    {'B', "(%L >= %L)"},
    {'B', "(%L == %L)"},
    {'B', "(%S == %S)"},
    {'B', "(%S like \"a*\")"},
    {'B', "(%U == %U)"},
    {'B', "(%U != %E)"},
    {'B', "(%E in %E)"},
    {'B', "(%U in Team::\"a\")"},
    {'B', "(%U in [Team::\"a\", Team::\"b\"])"},
    {'B', "(resource in Fold::\"a\")"},
    {'B', "(%E is User)"},
    {'B', "(%E is Doc in Fold::\"a\")"},
    {'B', "(action in Action::\"rw\")"},
    {'B', "(action == Action::\"run\")"},
    {'B', "(context has mfa && context.mfa)"},
    {'B', "(principal is User && %B)"},
    {'B', "(resource is Doc && %B)"},
    {'B', "(principal is User && resource is Doc && context has mfa && %B)"},
    {'B', "(%U has mgr && %B)"},
    {'B', "(principal has mgr && principal.mgr.age < %L)"},
    {'B', "(principal has rec.a.b && principal.rec.a.b < %L)"},
    {'B', "(principal has rec && principal.rec.c < %L)"},
    {'B', "(context has n && context.n < %L)"},
    {'B', "(context has u && context.u has mgr && %B)"},
    {'B', "(context has r.y && context.r.y.z == %S)"},
    {'B', "((context has n || principal has mgr) && %B)"},
    {'B', "((context has n || context has n) && context.n > %L)"},
    {'B', "(principal.hasTag(%S) && %B)"},
    {'B', "(principal.hasTag(\"k\") && principal.getTag(\"k\") == %S)"},
    {'B', "(resource.hasTag(\"k\") && resource.getTag(\"k\").contains(%L))"},
    {'B', "(%D).lessThan(%D)"},
    {'B', "(%I).isInRange(%I)"},
    {'B', "(%T < %T)"},
    {'B', "(%W <= %W)"},
    {'B', "%K.contains(%L)"},
    {'B', "%K.containsAny(%K)"},
    {'B', "%Q.contains(%S)"},
    {'B', "resource.marks.isEmpty()"},
    {'B', "%U.peers.contains(%U)"},
    {'B', "({a: %L, b: %S} == {b: %S, a: %L})"},
    {'B', "(resource.level == Level::\"lo\")"},
    {'B', "%U.on"},
    /* Long */
    {'L', "1"},
    {'L', "-7"},
    {'L', "9223372036854775807"},
    {'L', "principal.age"},
    {'L', "resource.owner.age"},
    {'L', "%U.age"},
    {'L', "principal.mgr.age"},
    {'L', "context.n"},
    {'L', "context.r.x"},
    {'L', "(%L + %L)"},
    {'L', "(%L * %L - %L)"},
    {'L', "-%U.age"},
    {'L', "(if %B then %L else %L)"},
    {'L', "{a: %L}.a"},
    {'L', "%W.toHours()"},
    {'L', "principal.email"},
    /* String, decimal, ipaddr, datetime, duration, sets */
    {'S', "\"a\""},
    {'S', "\"k\""},
    {'S', "principal.email"},
    {'S', "%U.email"},
    {'S', "principal.getTag(\"k\")"},
    {'S', "(if %B then %S else %S)"},
    {'D', "decimal(\"1.5\")"},
    {'D', "%U.dec"},
    {'I', "ip(\"10.0.0.0/8\")"},
    {'I', "resource.ip"},
    {'T', "datetime(\"2024-01-01\")"},
    {'T', "context.t"},
    {'T', "resource.when"},
    {'T', "%T.offset(%W)"},
    {'T', "%T.toDate()"},
    {'W', "duration(\"1h\")"},
    {'W', "%T.durationSince(%T)"},
    {'W', "%T.toTime()"},
    {'W', "principal.wait"},
    {'K', "[%L, %L]"},
    {'K', "[1]"},
    {'K', "resource.getTag(\"k\")"},
    {'Q', "[%S]"},
    {'Q', "resource.marks"},
    /* users and any entity */
    {'U', "principal"},
    {'U', "User::\"a\""},
    {'U', "resource.owner"},
    {'U', "principal.mgr"},
    {'U', "context.u"},
    {'U', "(if %B then %U else %U)"},
    {'E', "principal"},
    {'E', "resource"},
    {'E', "%U"},
    {'E', "Doc::\"b\""},
    {'E', "Bot::\"a\""},
    {'E', "(if %B then %E else %E)"},
    /* policies */
    {'P', "permit(principal, action, resource) when { %B };"},
    {'P', "permit(principal is User, action, resource is Doc) when { %B };"},
    {'P', "permit(principal is User, action == Action::\"read\", resource is "
          "Doc) when { %B };"},
    {'P', "permit(principal is User, action in Action::\"rw\", resource is "
          "Doc) when { %B } unless { %B };"},
    {'P', "permit(principal in Team::\"a\", action == Action::\"run\", "
          "resource) when { %B };"},
    {'P', "permit(principal is Bot, action, resource in Fold::\"a\") when { "
          "%B };"},
};

struct text {
    char s[4096];
    size_t len;
};

static uint64_t rng_state;

static uint32_t rnd(uint32_t n)
{
    rng_state += 0x9E3779B97F4A7C15u;
    uint64_t z = rng_state;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ (z >> 31)) >> 33) % n;
}

static void put(struct text *t, const char *s, size_t n)
{
    if (n >= sizeof(t->s) - t->len)
        n = sizeof(t->s) - t->len - 1;
    memcpy(t->s + t->len, s, n);
    t->len += n;
    t->s[t->len] = '\0';
}

static void puts_to(struct text *t, const char *s)
{
    put(t, s, strlen(s));
}

/* A rule of the kind; when depth is used up one without further kinds. */
static const char *pick(char kind, unsigned depth)
{
    const char *best = NULL;
    uint32_t seen = 0;

    for (size_t i = 0; i < sizeof(grammar) / sizeof(grammar[0]); i++) {
        bool leaf = strchr(grammar[i].text, '%') == NULL;

        if (grammar[i].kind != kind || (depth == 0 && !leaf))
            continue;
        if (rnd(++seen) == 0)
            best = grammar[i].text;
    }
    assert_non_null(best);
    return best;
}

static void expand(struct text *t, char kind, unsigned depth)
{
    const char *s = pick(kind, depth);

    for (; *s != '\0'; s++) {
        if (*s == '%')
            expand(t, *++s, depth > 0 ? depth - 1 : 0);
        else
            put(t, s, 1);
    }
}

/* ---- data that fits the schema --------------------------------------------
 */

static void put_uid(struct text *t, struct ts_str type, const char *id)
{
    puts_to(t, "{\"__entity\":{\"type\":\"");
    put(t, type.ptr, type.len);
    puts_to(t, "\",\"id\":\"");
    puts_to(t, id);
    puts_to(t, "\"}}");
}

static const char *random_id(const struct schema_entity *e)
{
    static const char *const ids[] = {"a", "b", "c"};

    if (e->choice_count > 0)
        return rnd(2) == 0 ? "lo" : "hi";
    return ids[rnd(3)];
}

static void put_ext(struct text *t, enum cedar_kind kind)
{
    if (kind == CEDAR_DECIMAL)
        puts_to(t, "{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"2.25\"}}");
    else if (kind == CEDAR_IPADDR)
        puts_to(t, "{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.1.2.3\"}}");
    else if (kind == CEDAR_DATETIME)
        puts_to(t, "{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2025-02-03\"}}");
    else
        puts_to(t, "{\"__extn\":{\"fn\":\"duration\",\"arg\":\"3h\"}}");
}

static void put_value(struct text *t, const struct cedar_type *type);

static void put_record(struct text *t, const struct cedar_attrs *a)
{
    bool first = true;

    puts_to(t, "{");
    for (uint32_t i = 0; i < a->count; i++) {
        if (!a->list[i].required && rnd(2) == 0)
            continue;
        puts_to(t, first ? "\"" : ",\"");
        put(t, a->list[i].name.ptr, a->list[i].name.len);
        puts_to(t, "\":");
        put_value(t, a->list[i].type);
        first = false;
    }
    puts_to(t, "}");
}

static void put_set(struct text *t, const struct cedar_type *elem)
{
    uint32_t n = rnd(3);

    puts_to(t, "[");
    for (uint32_t i = 0; i < n; i++) {
        puts_to(t, i > 0 ? "," : "");
        put_value(t, elem);
    }
    puts_to(t, "]");
}

static void put_value(struct text *t, const struct cedar_type *type)
{
    static const char *const longs[] = {"0", "1", "-9223372036854775808",
                                        "9223372036854775807"};
    static const char *const strings[] = {"\"a\"", "\"k\"", "\"abc\""};

    switch (type->kind) {
    case TYPE_BOOL:
        puts_to(t, rnd(2) == 0 ? "true" : "false");
        break;
    case TYPE_LONG:
        puts_to(t, longs[rnd(4)]);
        break;
    case TYPE_STRING:
        puts_to(t, strings[rnd(3)]);
        break;
    case TYPE_EXT:
        put_ext(t, type->as.ext);
        break;
    case TYPE_ENTITY:
        put_uid(t, type->as.entities.list[0]->name,
                random_id(type->as.entities.list[0]));
        break;
    case TYPE_SET:
        put_set(t, type->as.elem);
        break;
    case TYPE_RECORD:
        put_record(t, type->as.attrs);
        break;
    case TYPE_NONE:
    case TYPE_NEVER:
    case TYPE_TRUE:
    case TYPE_FALSE:
    case TYPE_ANY_ENTITY:
        fail(); /* no schema has these */
    }
}

/* Parents of a later type, or later id: no cycles. */
static void put_parents(struct text *t, const struct cedar_schema *s,
                        const struct schema_entity *e)
{
    bool first = true;

    puts_to(t, "\"parents\":[");
    for (uint32_t i = 0; i < e->ancestor_count; i++) {
        const struct schema_entity *p = &s->entities[e->ancestors[i]];

        if (p == e || rnd(2) == 0)
            continue;
        puts_to(t, first ? "" : ",");
        put_uid(t, p->name, rnd(2) == 0 ? "a" : "b");
        first = false;
    }
    puts_to(t, "]");
}

static void put_entity(struct text *t, const struct cedar_schema *s,
                       const struct schema_entity *e, const char *id)
{
    puts_to(t, t->len > 1 ? ",{\"uid\":" : "{\"uid\":");
    put_uid(t, e->name, id);
    puts_to(t, ",\"attrs\":");
    put_record(t, e->attrs);
    puts_to(t, ",");
    put_parents(t, s, e);
    if (e->tags != NULL && rnd(3) > 0) {
        puts_to(t, ",\"tags\":{\"k\":");
        put_value(t, e->tags);
        puts_to(t, "}");
    }
    puts_to(t, "}");
}

static struct cedar_entities *make_entities(const struct cedar_schema *s)
{
    struct text t = {.len = 0};
    struct cedar_source src = {.name = "entities"};
    struct cedar_entities *e = NULL;
    static struct cedar_diags diags;

    puts_to(&t, "[");
    for (uint32_t i = 0; i < s->entity_count; i++) {
        const struct schema_entity *x = &s->entities[i];

        if (x->is_action || x->choice_count > 0)
            continue;
        put_entity(&t, s, x, "a");
        if (rnd(4) > 0)
            put_entity(&t, s, x, "b");
    }
    puts_to(&t, ",{\"uid\":{\"type\":\"Action\",\"id\":\"read\"},\"attrs\":{},"
                "\"parents\":[{\"type\":\"Action\",\"id\":\"rw\"}]},"
                "{\"uid\":{\"type\":\"Action\",\"id\":\"write\"},\"attrs\":{},"
                "\"parents\":[{\"type\":\"Action\",\"id\":\"rw\"}]}]");
    assert_true(t.len + 1 < sizeof(t.s));
    src.text = (struct ts_str){t.s, t.len};
    memset(&diags, 0, sizeof(diags));
    if (cedar_entities_parse(&src, 1, &e, &diags) != TS_OK)
        fail_msg("%s: %s", diags.list[0].text, t.s);
    return e;
}

/* ---- one policy -----------------------------------------------------------
 */

struct tally {
    unsigned policies, strict, permissive, impossible, satisfied, errors;
};

static void ask(const struct cedar_schema *s, const struct cedar_policies *p,
                const struct cedar_entities *e, const char *text,
                bool impossible, struct tally *tally)
{
    const struct schema_action *a = &s->actions[rnd(s->action_count)];
    const struct schema_entity *pt, *rt;
    struct text context = {.len = 0};
    struct cedar_source src = {.name = "context"};
    struct cedar_request req = {.action = *a->uid};
    struct cedar_answer ans = {0};
    struct ts_arena arena;

    if (a->principal_count == 0)
        return;
    pt = &s->entities[a->principals[rnd(a->principal_count)]];
    rt = &s->entities[a->resources[rnd(a->resource_count)]];
    req.principal = cedar_uid_make(pt->name, ts_str_of(random_id(pt)));
    req.resource = cedar_uid_make(rt->name, ts_str_of(random_id(rt)));
    put_record(&context, a->context->as.attrs);
    src.text = (struct ts_str){context.s, context.len};
    ts_arena_init(&arena, 1 << 20);
    assert_int_equal(cedar_value_parse(&arena, &src, &req.context, NULL),
                     TS_OK);
    assert_int_equal(cedar_authorize(p, e, &req, &arena, &ans), TS_OK);
    for (uint32_t i = 0; i < ans.error_count; i++) {
        const char *code = ans.errors[i].code;

        tally->errors++;
        if (strcmp(code, "overflow") != 0 &&
            strcmp(code, "missing_entity") != 0 &&
            strcmp(code, "extension_error") != 0)
            fail_msg("%s: %s (%s)", code, text, ans.errors[i].text);
    }
    tally->satisfied += ans.permit_count;
    if (impossible && ans.permit_count > 0)
        fail_msg("called impossible, yet satisfied: %s", text);
    ts_arena_done(&arena);
}

static bool has_code(const struct cedar_diags *d, const char *code)
{
    for (uint32_t i = 0; i < d->count && i < CEDAR_DIAGS_MAX; i++)
        if (strcmp(d->list[i].code, code) == 0)
            return true;
    return false;
}

static void try_policy(const struct cedar_schema *s, const char *text,
                       struct tally *tally)
{
    static struct cedar_diags diags;
    struct cedar_validate_options o = {.mode = CEDAR_STRICT,
                                       .level = CEDAR_ANY_LEVEL};
    struct cedar_options options = cedar_options_default;
    struct cedar_source src = {.name = "policy", .text = ts_str_of(text)};
    struct cedar_policies *p = NULL;
    struct cedar_ast *a = NULL;
    ts_err strict, permissive;

    options.require_id = false;
    if (cedar_ast_parse(&src, 1, &options, &a, NULL) != TS_OK)
        return; /* cut off, or nested too deeply */
    tally->policies++;
    strict = cedar_validate(a, s, &o, NULL);
    o.mode = CEDAR_PERMISSIVE;
    memset(&diags, 0, sizeof(diags));
    permissive = cedar_validate(a, s, &o, &diags);
    tally->strict += strict == TS_OK;
    if (strict == TS_OK && permissive != TS_OK)
        fail_msg("strict accepts, permissive does not: %s", text);
    if (permissive == TS_OK) {
        bool impossible = has_code(&diags, "impossible_policy");
        struct cedar_entities *e = make_entities(s);

        tally->permissive++;
        tally->impossible += impossible;
        assert_int_equal(cedar_ast_compile(a, &p, NULL), TS_OK);
        for (unsigned i = 0; i < REQUESTS; i++)
            ask(s, p, e, text, impossible, tally);
        cedar_entities_free(e);
        cedar_policies_free(p);
    }
    cedar_ast_free(a);
}

static void valid_policy_on_fitting_data_raises_no_type_error(void **state)
{
    struct cedar_source src = {.name = "schema",
                               .text = ts_str_of(schema_text)};
    struct cedar_schema *s = NULL;
    struct tally tally = {0};

    (void)state;
    rng_state = 20261122;
    assert_int_equal(cedar_schema_parse(&src, 1, &s, NULL), TS_OK);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct text t = {.len = 0};

        expand(&t, 'P', 1 + rnd(5));
        try_policy(s, t.s, &tally);
    }
    cedar_schema_free(s);
    print_message("%u policies: %u strict, %u permissive, %u impossible; "
                  "satisfied %u times, %u errors of the allowed kinds\n",
                  tally.policies, tally.strict, tally.permissive,
                  tally.impossible, tally.satisfied, tally.errors);
    /* Enough of each kind, or the test has gone blind. */
    assert_true(tally.strict > ROUNDS / 20 && tally.impossible > ROUNDS / 100);
    assert_true(tally.permissive > tally.strict && tally.satisfied > 1000);
    assert_true(tally.errors > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_policy_on_fitting_data_raises_no_type_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
