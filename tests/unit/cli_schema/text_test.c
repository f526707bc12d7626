/* What `tipstaff policy schema` writes, merges and finds. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/schema/schema.h"
#include "sidecar/common/bundle/bundle.h"
#include "tests/lib/fault_mem.h"

#define FILES_MAX 4
#define TEXT_MAX  ((size_t)1 << 20)

static const struct manifest_facts facts = {.has_broker = true,
                                            .has_token_key = true};

static const char *const kinds[] = {
    "tool: file.read\nexec: /x\nargv: [x]\nargs:\n"
    "  path: {type: path, required: true}\n  max: {type: int}\n"
    "resource: {type: File, arg: path, root: /r, access: read}\n",
    "tool: mail.send\nexec: /x\nargv: [x]\nargs:\n"
    "  to: {type: strings, required: true}\n  if: {type: bool}\n"
    "  sum: {type: decimal}\n  body: {type: json, role: content}\n",
    "tool: repo.open\nexec: /x\nargv: [x]\n"
    "args: {r: {type: string, required: true}}\n"
    "resource: {type: 'App::Repo', arg: r}\n",
    "tool: web.get\nexec: /x\nargv: [x]\n"
    "args: {u: {type: url, required: true}}\n"
    "resource: {type: Url, arg: u}\n",
};

static struct manifests *load(const char *const *texts, size_t count)
{
    static const char *const names[FILES_MAX] = {
        "tools/a.yaml", "tools/b.yaml", "tools/c.yaml", "tools/d.yaml"};
    struct bundle_file f[FILES_MAX];
    const struct bundle b = {.files = f, .count = count};
    struct manifests *m = NULL;
    char err[1024];

    for (size_t i = 0; i < count; i++)
        f[i] = (struct bundle_file){ts_str_of(names[i]), ts_str_of(texts[i])};
    assert_int_equal(manifests_load(&b, &facts, 1, &m, err, sizeof(err)),
                     TS_OK);
    if (m->refused_count > 0)
        fail_msg("%s", m->refused[0].text.ptr);
    return m;
}

static struct cedar_schema *parse(const char *text)
{
    static struct cedar_diags diags;
    const struct cedar_source source = {"x", ts_str_of(text)};
    struct cedar_schema *s = NULL;

    memset(&diags, 0, sizeof(diags));
    if (cedar_schema_parse(&source, 1, &s, &diags) != TS_OK)
        fail_msg("%s\n%s", diags.list[0].text, text);
    return s;
}

static char notes[4096];

static void note(void *ctx, const char *text)
{
    (void)ctx;
    (void)strcat(strcat(notes, text), "\n");
}

/* The text, to be freed; NULL: err says why there is none. */
static char *written(const struct manifests *m,
                     const struct cedar_schema *merge,
                     const struct directory_snapshot *people, char *err,
                     size_t cap)
{
    const struct schema_request r = {.manifests = m,
                                     .people = people,
                                     .grant_attrs = schema_grant_attrs,
                                     .merge = merge,
                                     .note = note};
    struct ts_buf out;
    char *copy = NULL;

    notes[0] = '\0';
    ts_buf_init(&out, TEXT_MAX);
    if (schema_write(&r, &out, err, cap) == TS_OK)
        copy = strndup((const char *)ts_buf_bytes(&out), out.len);
    ts_buf_done(&out);
    return copy;
}

static char *kinds_text(void)
{
    struct manifests *m = load(kinds, 4);
    char err[1024] = "", *text = written(m, NULL, NULL, err, sizeof(err));

    if (text == NULL)
        fail_msg("%s", err);
    manifests_free(m);
    return text;
}

/* With SCHEMA_GOLDEN=write it is written instead, to be read. */
static void schema_of_every_kind_is_the_golden_text(void **state)
{
    static char golden[65536];
    char *text = kinds_text();
    bool writes = getenv("SCHEMA_GOLDEN") != NULL;
    FILE *f = fopen(GOLDEN, writes ? "wbe" : "rbe");
    size_t n;

    (void)state;
    assert_non_null(f);
    if (writes) {
        (void)fputs(text, f);
    } else {
        n = fread(golden, 1, sizeof(golden) - 1, f);
        golden[n] = '\0';
        assert_string_equal(text, golden);
    }
    (void)fclose(f);
    free(text);
}

static const char one[] = "tool: one\nexec: /x\nargv: [x]\naction: both\n"
                          "args:\n  a: {type: string, required: true}\n"
                          "  b: {type: int, required: true}\n";

static void tools_of_one_action_share_what_they_have(void **state)
{
    static const char *const two[] = {
        one, "tool: two\nexec: /x\nargv: [x]\naction: both\n"
             "args:\n  a: {type: path, required: true}\n"
             "  c: {type: bool, required: true}\n"
             "resource: {type: Dir, path: /r, access: read}\n"};
    struct manifests *m = load(two, 2);
    char err[1024], *text = written(m, NULL, NULL, err, sizeof(err));

    (void)state;
    assert_non_null(text);
    assert_non_null(strstr(text, "resource: [Dir, Tool],"));
    assert_non_null(strstr(text, "args: {\n            a: String,\n"
                                 "            b?: Long,\n"
                                 "            c?: Bool,\n        },"));
    free(text);
    manifests_free(m);
}

static void tools_of_one_action_that_contradict_are_named(void **state)
{
    static const char *const two[] = {
        one, "tool: two\nexec: /x\nargv: [x]\naction: both\n"
             "args: {b: {type: decimal}}\n"};
    struct manifests *m = load(two, 2);
    char err[1024];

    (void)state;
    assert_null(written(m, NULL, NULL, err, sizeof(err)));
    assert_string_equal(
        err, "tools/a.yaml and tools/b.yaml have the action \"both\", and its "
             "argument \"b\" is Long in one and decimal in the other; give one "
             "of them an action of its own");
    manifests_free(m);
}

static void types_that_cedar_does_not_take_are_told(void **state)
{
    static const char *const bad[] = {
        "tool: t\nexec: /x\nargv: [x]\n"
        "args: {r: {type: string, required: true}}\n"
        "resource: {type: 'in', arg: r}\n"};
    struct manifests *m = load(bad, 1);
    char err[1024];

    (void)state;
    assert_null(written(m, NULL, NULL, err, sizeof(err)));
    assert_int_equal(strncmp(err, "the schema would not be valid: ", 31), 0);
    manifests_free(m);
}

static void people_have_the_attributes_of_the_directory(void **state)
{
    static const struct directory_attr dept = {{"dept", 4}, {"x", 1}},
                                       model = {{"model", 5}, {"y", 1}};
    static const struct directory_user user = {.attrs = &dept, .attr_count = 1};
    static const struct directory_agent agent = {.attrs = &model,
                                                 .attr_count = 1};
    const struct directory_snapshot people = {
        .users = &user, .user_count = 1, .agents = &agent, .agent_count = 1};
    struct manifests *m = load(kinds, 1);
    char err[1024], *text = written(m, NULL, &people, err, sizeof(err));

    (void)state;
    assert_non_null(text);
    assert_non_null(
        strstr(text, "entity User in [Group] = {\n    dept?: String,\n};"));
    assert_non_null(strstr(text, "    owner?: User,\n    model?: String,\n};"));
    free(text);
    manifests_free(m);
}

/* merge -------------------------------------------------------------------- */

static const char by_hand[] =
    "type Team = { lead: User, since?: datetime };\n"
    "entity Label;\n"
    "entity Colour enum [\"red\", \"a\\\"b\"];\n"
    "entity Group in [Group];\n"
    "entity User in [Group] = { team: Team, \"in\"?: Set<ipaddr> };\n"
    "entity Dir in [Dir, Label] = { colour?: Colour };\n"
    "entity File in [Dir] = { name?: String, path: Long };\n"
    "entity Count tags Long;\n"
    "namespace App { entity Repo in [Org] = { stars: Long }; entity Org; }\n"
    "action read in [all];\naction all;\n"
    "action \"file.read\" in [read] appliesTo { principal: [User], resource: "
    "[File] };\n"
    "action old in [read] appliesTo { principal: [User], resource: [File] };\n"
    "action empty;\n";

static void merge_keeps_what_no_manifest_says(void **state)
{
    static const char *const kept[] = {
        "entity Colour enum [\"a\\\"b\", \"red\"];\n",
        "entity Count tags Long;\n",
        "entity Label;\n",
        "entity Dir in [Dir, Label] = {\n",
        "    colour?: Colour,\n",
        "    name?: String,\n    path: String,\n",
        "    team: { lead: User, since?: datetime },\n",
        "    \"in\"?: Set<ipaddr>,\n",
        "namespace App {\n    entity Org;\n    entity Repo in [App::Org] = {\n",
        "        stars: Long,\n",
        "action \"all\";\n",
        "action \"read\" in [\"all\"];\n",
        "action \"file.read\" in [\"read\"] appliesTo {\n",
        "action \"empty\";\n",
        "action \"web.get\" appliesTo {\n",
    };
    struct manifests *m = load(kinds, 4);
    struct cedar_schema *hand = parse(by_hand);
    char err[1024] = "", *text = written(m, hand, NULL, err, sizeof(err));

    (void)state;
    if (text == NULL)
        fail_msg("%s", err);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (strstr(text, kept[i]) == NULL)
            fail_msg("no %s in\n%s", kept[i], text);
    assert_null(strstr(text, "\"old\""));
    assert_non_null(strstr(notes, "action \"old\" is left out: no tool"));
    assert_non_null(strstr(notes, "File.path is String, not Long"));
    cedar_schema_free(hand);
    manifests_free(m);
    free(text);
}

/* Merging what was merged changes nothing. */
static void merge_of_its_own_text_changes_nothing(void **state)
{
    struct manifests *m = load(kinds, 4);
    struct cedar_schema *hand = parse(by_hand), *again;
    char err[1024], *first = written(m, hand, NULL, err, sizeof(err)), *second;

    (void)state;
    assert_non_null(first);
    again = parse(first);
    second = written(m, again, NULL, err, sizeof(err));
    assert_non_null(second);
    assert_string_equal(first, second);
    assert_string_equal(notes, "");
    cedar_schema_free(hand);
    cedar_schema_free(again);
    manifests_free(m);
    free(first);
    free(second);
}

static void merge_of_names_that_would_mean_others_is_refused(void **state)
{
    struct manifests *m = load(kinds, 1);
    struct cedar_schema *hand = parse("namespace App { entity User; }\n"
                                      "entity Enum enum [\"a\"];");
    char err[1024];

    (void)state;
    assert_null(written(m, hand, NULL, err, sizeof(err)));
    assert_string_equal(err, "App::User and User cannot be told apart where "
                             "they are merged; rename one of the types");
    cedar_schema_free(hand);
    manifests_free(m);
}

static void merge_of_types_that_double_is_bounded(void **state)
{
    char text[4096];
    size_t at =
        (size_t)snprintf(text, sizeof(text), "type A0 = { x: Long };\n");
    struct manifests *m = load(kinds, 1);
    struct cedar_schema *hand;
    char err[1024];

    (void)state;
    for (int i = 1; i < 24; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "type A%d = { a: A%d, b: A%d };\n", i, i - 1,
                               i - 1);
    (void)snprintf(text + at, sizeof(text) - at,
                   "entity User = { deep?: A23 };\n");
    hand = parse(text);
    assert_null(written(m, hand, NULL, err, sizeof(err)));
    cedar_schema_free(hand);
    manifests_free(m);
}

/* check -------------------------------------------------------------------- */

static char found[65536];

static void take(void *ctx, enum schema_finding kind, const char *where,
                 const char *text)
{
    static const char *const names[] = {"lacks", "wrong", "more"};
    size_t at = strlen(found);

    (void)ctx;
    (void)snprintf(found + at, sizeof(found) - at, "%s %s: %s\n", names[kind],
                   where, text);
}

static void compare(const char *given)
{
    char *text = kinds_text();
    struct cedar_schema *made = parse(text), *hand = parse(given);

    found[0] = '\0';
    schema_compare(made, hand, take, NULL);
    cedar_schema_free(made);
    cedar_schema_free(hand);
    free(text);
}

static char *edited(const char *text, const char *from, const char *to)
{
    const char *hit = strstr(text, from);
    size_t cap = strlen(text) + strlen(to) + 1;
    char *out = malloc(cap);

    if (hit == NULL)
        fail_msg("no %s", from);
    assert_non_null(out);
    (void)snprintf(out, cap, "%.*s%s%s", (int)(hit - text), text, to,
                   hit + strlen(from));
    return out;
}

static void check_of_what_was_made_finds_nothing(void **state)
{
    char *text = kinds_text();

    (void)state;
    compare(text);
    assert_string_equal(found, "");
    free(text);
}

static void check_says_what_is_lacking_wrong_and_more(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"            path: String,\n            max?: Long,\n",
         "            path?: String,\n            max?: Long,\n", ""},
        {"            max?: Long,\n", "",
         "lacks action \"file.read\": context.args.max?: Long\n"},
        {"            max?: Long,\n", "            max: Long,\n",
         "wrong action \"file.read\": context.args.max should be optional "
         "(`max?`): not every call has it\n"},
        {"            max?: Long,\n", "            max?: decimal,\n",
         "wrong action \"file.read\": context.args.max is decimal, and should "
         "be Long\n"},
        {"            max?: Long,\n",
         "            max?: Long, old?: Bool, sum?: decimal,\n",
         "more action \"file.read\": context.args.old: no tool gives it\n"},
        {"            max?: Long,\n", "            max?: Long, old: Bool,\n",
         "wrong action \"file.read\": context.args.old should be optional "
         "(`old?`) or go: no call has it\n"},
        {"    tainted: Bool,\n", "",
         "lacks action \"file.read\": context.provenance.tainted: Bool\n"},
        {"    resource: [File],\n", "    resource: [Dir],\n",
         "lacks action \"file.read\": resource File\n"
         "more action \"file.read\": resource Dir\n"},
        {"    principal: [User, Agent],\n", "    principal: [User],\n",
         "lacks action \"file.read\": principal Agent\n"},
        {"    name: String,\n    path: String,\n",
         "    name: String,\n    path: String,\n    owner: User,\n",
         "wrong entity File: attribute.owner should be optional (`owner?`) or "
         "go: only what entities.json describes has it\n"},
        {"    name: String,\n    path: String,\n",
         "    name?: String,\n    path: String,\n    owner?: User,\n", ""},
        {"entity File in [Dir]", "entity File in [Group]",
         "lacks entity File: in Dir\n"},
        {"entity User in [Group];", "entity User in [Group] = { x: Long };",
         ""},
        {"    owner?: User,\n", "",
         "lacks entity Agent: attribute.owner?: User\n"},
        {"action \"web.get\"", "action \"web.got\"",
         "lacks action \"web.get\": is not declared\n"
         "more action \"web.got\": no tool has it\n"},
        {"    entity Repo", "    entity Repos",
         "lacks entity App::Repo: is not declared\n"},
    };
    char *text = kinds_text();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *other = edited(text, rows[i].from, rows[i].to);

        if (strcmp(rows[i].to, "    entity Repos") == 0) {
            char *renamed = edited(other, "[App::Repo]", "[App::Repos]");

            free(other);
            other = renamed;
        }
        compare(other);
        if (rows[i].says[0] == '\0')
            assert_string_equal(found, "");
        else if (strstr(found, rows[i].says) == NULL)
            fail_msg("%s ->\n%snot %s", rows[i].to, found, rows[i].says);
        free(other);
    }
    free(text);
}

/* Each line with a field of the golden text left out, in turn, is found. */
static void check_finds_every_field_that_is_left_out(void **state)
{
    char *text = kinds_text();
    unsigned lines = 0;

    (void)state;
    for (char *p = strstr(text, "action "); p != NULL && *p != '\0';) {
        char *end = strchr(p, '\n'), line[256], *other;

        assert_non_null(end);
        if (end[-1] == ',' && end[-2] != '}' && p[0] == ' ' && p[4] == ' ') {
            (void)snprintf(line, sizeof(line), "%.*s", (int)(end - p + 1), p);
            other = malloc(strlen(text) + 1);
            assert_non_null(other);
            (void)sprintf(other, "%.*s%s", (int)(p - text), text, end + 1);
            compare(other);
            if (strncmp(found, "lacks action ", 13) != 0)
                fail_msg("%s was not missed: %s", line, found);
            free(other);
            lines++;
        }
        p = end + 1;
    }
    assert_true(lines > 80);
    free(text);
}

/* Out of memory ------------------------------------------------------------ */

static ts_err write_once(const void *arg)
{
    const struct schema_request *r = arg;
    struct ts_buf out;
    char err[256];
    ts_err e;

    ts_buf_init(&out, TEXT_MAX);
    e = schema_write(r, &out, err, sizeof(err));
    ts_buf_done(&out);
    return e;
}

static void schema_out_of_memory_anywhere_leaks_nothing(void **state)
{
    struct manifests *m = load(kinds, 4);
    struct cedar_schema *hand = parse(by_hand);
    const struct schema_request r = {
        .manifests = m, .grant_attrs = schema_grant_attrs, .merge = hand};

    (void)state;
    assert_int_equal(write_once(&r), TS_OK);
    for (int persistent = 0; persistent < 2; persistent++) {
        int held = fault_mem_live();

        for (int nth = 0;; nth++) {
            ts_err e;

            fault_mem_arm(nth, persistent != 0);
            e = write_once(&r);
            if (!fault_mem_fired())
                break;
            assert_int_equal(e, TS_E_NOMEM);
            assert_int_equal(fault_mem_live(), held);
        }
    }
    fault_mem_disarm();
    cedar_schema_free(hand);
    manifests_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_of_every_kind_is_the_golden_text),
        cmocka_unit_test(tools_of_one_action_share_what_they_have),
        cmocka_unit_test(tools_of_one_action_that_contradict_are_named),
        cmocka_unit_test(types_that_cedar_does_not_take_are_told),
        cmocka_unit_test(people_have_the_attributes_of_the_directory),
        cmocka_unit_test(merge_keeps_what_no_manifest_says),
        cmocka_unit_test(merge_of_its_own_text_changes_nothing),
        cmocka_unit_test(merge_of_names_that_would_mean_others_is_refused),
        cmocka_unit_test(merge_of_types_that_double_is_bounded),
        cmocka_unit_test(check_of_what_was_made_finds_nothing),
        cmocka_unit_test(check_says_what_is_lacking_wrong_and_more),
        cmocka_unit_test(check_finds_every_field_that_is_left_out),
        cmocka_unit_test(schema_out_of_memory_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
