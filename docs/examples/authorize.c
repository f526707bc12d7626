/*
 * One decision with the Cedar library: schema, policies and entities are
 * loaded and checked once, then requests are decided against them.
 *
 *   cc authorize.c $(pkg-config --cflags --libs tipstaff-cedar) -o authorize
 *   ./authorize alice read report
 */
#include <stdio.h>
#include <string.h>

#include "policy/cedar.h"
#include "policy/cedar_schema.h"

static const char schema_text[] =
    "entity Team;\n"
    "entity User in [Team];\n"
    "entity Doc { owner: User };\n"
    "action read, edit appliesTo {\n"
    "    principal: User, resource: Doc, context: { mfa: Bool }\n"
    "};\n";

static const char policy_text[] =
    "@id(\"staff-read\")\n"
    "permit (principal in Team::\"staff\", action == Action::\"read\", "
    "resource);\n"
    "@id(\"owners-edit\")\n"
    "permit (principal is User, action == Action::\"edit\", resource)\n"
    "when { resource.owner == principal };\n"
    "@id(\"edit-needs-mfa\")\n"
    "forbid (principal, action == Action::\"edit\", resource)\n"
    "unless { context.mfa };\n";

static const char entity_text[] =
    "[{\"uid\": {\"type\": \"User\", \"id\": \"alice\"}, \"attrs\": {},"
    "  \"parents\": [{\"type\": \"Team\", \"id\": \"staff\"}]},"
    " {\"uid\": {\"type\": \"Doc\", \"id\": \"report\"},"
    "  \"attrs\": {\"owner\": {\"type\": \"User\", \"id\": \"alice\"}},"
    "  \"parents\": []}]";

struct world {
    struct cedar_schema *schema;
    struct cedar_policies *policies;
    struct cedar_entities *entities;
};

static void print_diags(const struct cedar_diags *d,
                        const struct cedar_source *source)
{
    char text[2048];

    for (uint32_t i = 0; i < d->count && i < CEDAR_DIAGS_MAX; i++) {
        (void)cedar_diag_format(&d->list[i], source->name, source->text, false,
                                text, sizeof(text));
        (void)fputs(text, stderr);
    }
}

/* Text to a set that decides: parse, validate strictly, compile. */
static ts_err load_policies(struct world *w, struct cedar_diags *diags)
{
    struct cedar_source source = {"policies.cedar", ts_str_of(policy_text)};
    struct cedar_ast *tree = NULL;
    ts_err e =
        cedar_ast_parse(&source, 1, &cedar_options_default, &tree, diags);

    if (e == TS_OK)
        e = cedar_validate(tree, w->schema, &cedar_validate_default, diags);
    if (e == TS_OK)
        e = cedar_ast_compile(tree, &w->policies, diags);
    cedar_ast_free(tree);
    print_diags(diags, &source);
    return e;
}

static ts_err load(struct world *w)
{
    struct cedar_source schema = {"schema.cedarschema", ts_str_of(schema_text)};
    struct cedar_source entities = {"entities.json", ts_str_of(entity_text)};
    struct cedar_diags diags = {0};
    ts_err e = cedar_schema_parse(&schema, 1, &w->schema, &diags);

    if (e != TS_OK) {
        print_diags(&diags, &schema);
        return e;
    }
    if ((e = load_policies(w, &diags)) != TS_OK)
        return e;
    e = cedar_entities_parse_schema(w->schema, &entities, 1, &w->entities,
                                    &diags);
    if (e != TS_OK)
        print_diags(&diags, &entities);
    return e;
}

static void unload(struct world *w)
{
    cedar_entities_free(w->entities);
    cedar_policies_free(w->policies);
    cedar_schema_free(w->schema);
}

/* 0 allow, 2 deny, 1 could not be told: which a caller must take as deny. */
static int decide(const struct world *w, struct ts_arena *arena, char **argv)
{
    const struct cedar_field mfa = {TS_STR_LIT("mfa"), cedar_bool(false)};
    struct cedar_request request = {
        .principal = cedar_uid_make(TS_STR_LIT("User"), ts_str_of(argv[1])),
        .action = cedar_uid_make(TS_STR_LIT("Action"), ts_str_of(argv[2])),
        .resource = cedar_uid_make(TS_STR_LIT("Doc"), ts_str_of(argv[3]))};
    struct cedar_answer answer;

    if (cedar_record_make(arena, &mfa, 1, &request.context) != TS_OK ||
        cedar_request_check(w->schema, &request, NULL) != TS_OK ||
        cedar_authorize(w->policies, w->entities, &request, arena, &answer) !=
            TS_OK) {
        (void)fputs("error: the request could not be decided\n", stderr);
        return 1;
    }
    (void)puts(answer.decision == CEDAR_ALLOW ? "allow" : "deny");
    for (uint32_t i = 0; i < answer.reason_count; i++) {
        struct cedar_policy_info info =
            cedar_policies_info(w->policies, answer.reasons[i]);

        (void)printf("  because of %.*s\n", (int)info.id.len, info.id.ptr);
    }
    return answer.decision == CEDAR_ALLOW ? 0 : 2;
}

int main(int argc, char **argv)
{
    struct world w = {0};
    struct ts_arena arena;
    int code = 1;

    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s USER ACTION DOC\n", argv[0]);
        return 1;
    }
    ts_arena_init(&arena, (size_t)1 << 16);
    if (load(&w) == TS_OK)
        code = decide(&w, &arena, argv);
    ts_arena_done(&arena);
    unload(&w);
    return code;
}
