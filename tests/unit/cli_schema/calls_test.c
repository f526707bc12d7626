/* Calls of every manifest that this tree has, decided under the schema that was
 * made of it: none is refused for its shape. A field that the gate makes and
 * the schema lacks, or that the schema demands and the gate does not make,
 * would be. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/schema/schema.h"
#include "fixture.h"

#define SUBSETS_MAX 256 /* of optional arguments, of one tool */

static const struct manifest_facts facts = {.has_broker = true,
                                            .has_token_key = true};
static unsigned calls_made, tools_seen;

static const struct fix_grant grants[] = {
    {.tenant = "acme",
     .user = "alice",
     .agent = "coder",
     .task = "t1",
     .policy = "permit (principal, action, resource);",
     .issuer = KEY_ISSUER,
     .holder = KEY_CODER},
    {.tenant = "acme",
     .user = "alice",
     .agent = "coder",
     .task = "t1",
     .policy = "permit (principal, action, resource);",
     .issuer = KEY_ISSUER,
     .holder = KEY_CODER,
     .sub_agent = "coder/tester",
     .sub_holder = KEY_TESTER,
     .sub_policy = "permit (principal, action, resource);"},
};

static void read_whole(const char *path, char *out, size_t cap)
{
    FILE *f = fopen(path, "rbe");
    size_t n;

    assert_non_null(f);
    n = fread(out, 1, cap - 1, f);
    (void)fclose(f);
    out[n] = '\0';
}

/* NULL: not served. */
static struct manifests *load(const char *text, size_t len)
{
    struct bundle_file f = {TS_STR_LIT("tools/x.yaml"), {text, len}};
    const struct bundle b = {.files = &f, .count = 1};
    struct manifests *m = NULL;
    char err[1024];

    if (manifests_load(&b, &facts, 1, &m, err, sizeof(err)) != TS_OK)
        return NULL;
    if (m->refused_count == 0)
        return m;
    manifests_free(m);
    return NULL;
}

/* A tenant that permits all, with a schema made of these manifests. */
static void serve(struct fixture *f, const struct manifests *m)
{
    const struct schema_request r = {.manifests = m,
                                     .grant_attrs = schema_grant_attrs};
    struct ts_buf text;
    char err[1024];

    ts_buf_init(&text, 16 << 20);
    if (schema_write(&r, &text, err, sizeof(err)) != TS_OK)
        fail_msg("%s", err);
    assert_int_equal(ts_buf_append(&text, "", 1), TS_OK);
    fix_set(f, "tenants/acme/schema.cedarschema",
            (const char *)ts_buf_bytes(&text));
    ts_buf_done(&text);
    fix_set(f, "tenants/acme/entities.json", "[]");
    fix_set(f, "tenants/acme/policies/hard/10-users.cedar",
            "@id(\"all\") permit (principal, action, resource);");
    fix_set(f, "tenants/acme/policies/hard/20-agents.cedar", NULL);
    fix_set(f, "tenants/acme/policies/hard/30-guards.cedar", NULL);
    fix_set(f, "tenants/acme/policies/hard/40-provenance.cedar", NULL);
    for (size_t i = f->count; i > 0; i--)
        if (ts_str_starts(f->files[i - 1].name,
                          TS_STR_LIT("tenants/acme/policies/approval/")))
            fix_set(f, f->files[i - 1].name.ptr, NULL);
}

static size_t put(char *out, size_t cap, size_t at, const char *s)
{
    return at + (size_t)snprintf(out + at, cap - at, "%s", s);
}

/* "name=value" as fixture.h writes it, within what the manifest allows. */
static size_t put_arg(const struct manifest_arg *d, char *out, size_t cap)
{
    char text[8192], name[80];
    size_t len = d->min > 5 && d->min < 4000 ? (size_t)d->min : 5;
    int64_t number = d->min > 7 ? d->min : 7;
    size_t at;

    if ((int64_t)len > d->max && d->max > 0)
        len = (size_t)d->max;
    memset(text, 'a', len);
    text[len] = '\0';
    (void)snprintf(name, sizeof(name), "%.*s", (int)d->name.len, d->name.ptr);
    at = put(out, cap, 0, name);
    if (d->one_of != NULL)
        (void)snprintf(text, sizeof(text), "%.*s", (int)d->one_of[0].len,
                       d->one_of[0].ptr);
    switch (d->type) {
    case ARG_INT:
        number = number > d->max ? d->max : number;
        (void)snprintf(text, sizeof(text), ":=%lld", (long long)number);
        return put(out, cap, at, text);
    case ARG_BOOL:
        return put(out, cap, at, "?=1");
    case ARG_STRINGS:
        at = put(out, cap, at, "@=");
        return put(out, cap, at, text);
    case ARG_URL:
        return put(out, cap, at, "=https://a.example.com:8443/x?y=z");
    case ARG_DECIMAL:
        number = number > d->max ? d->max : number;
        at = put(out, cap, at, "=");
        len = decimal_text(number, text);
        text[len] = '\0';
        return put(out, cap, at, text);
    case ARG_STRING:
    case ARG_PATH:
    case ARG_JSON:
        break;
    }
    at = put(out, cap, at, "=");
    return put(out, cap, at, text);
}

/* Required arguments, and those optional ones whose bit is set. */
static void put_args(const struct manifest *m, unsigned subset, char *out,
                     size_t cap)
{
    size_t at = 0;
    unsigned bit = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < m->arg_count; i++) {
        if (!m->args[i].required && (subset >> bit++ & 1) == 0)
            continue;
        if (at > 0)
            at = put(out, cap, at, ";");
        at += put_arg(&m->args[i], out + at, cap - at);
    }
}

static unsigned optional_count(const struct manifest *m)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < m->arg_count; i++)
        n += !m->args[i].required;
    return n;
}

static void call(struct fixture *f, const struct authority *a,
                 const struct manifest *m, unsigned subset)
{
    static char tool[256], args[65536];
    static struct fix_result r;
    struct fix_call c = {.tool = tool,
                         .args = args,
                         .provenance = subset % 2 ? "web:x" : NULL,
                         .has_stdin = m->stdin_allowed,
                         .check_only = subset % 3 == 1};

    (void)snprintf(tool, sizeof(tool), "%.*s", (int)m->tool.len, m->tool.ptr);
    put_args(m, subset, args, sizeof(args));
    fix_decide(f, a, &c, &r);
    if (r.e != TS_OK || r.d.code != CODE_PERMITTED)
        fail_msg("%s %s: %s %s", tool, args, call_code_name(r.d.code),
                 r.d.text);
    calls_made++;
}

static void call_all(struct fixture *f, const struct manifests *m)
{
    for (size_t g = 0; g < sizeof(grants) / sizeof(grants[0]); g++) {
        struct authority *a = fix_authority(f, &grants[g]);

        for (uint32_t i = 0; i < m->count; i++) {
            unsigned n = optional_count(&m->list[i]);
            unsigned all = n < 8 ? 1u << n : SUBSETS_MAX;

            for (unsigned s = 0; s < all; s++)
                call(f, a, &m->list[i], s);
        }
        authority_free(a);
    }
    tools_seen += m->count;
}

static void start(struct fixture *f)
{
    fix_init(f);
    f->settings.has_broker = true;
    f->settings.has_token_key = true;
    fix_add_starter(f, "acme", KEY_ISSUER, KEY_CODER);
}

/* One manifest, which is the only tool. */
static void check_one(const char *text, size_t len)
{
    struct manifests *m = load(text, len);
    struct fixture f;
    char *copy;

    if (m == NULL)
        return;
    start(&f);
    for (size_t i = f.count; i > 0; i--)
        if (ts_str_starts(f.files[i - 1].name, TS_STR_LIT("tools/")))
            fix_set(&f, f.files[i - 1].name.ptr, NULL);
    copy = strndup(text, len);
    fix_set(&f, "tools/x.yaml", copy);
    free(copy);
    serve(&f, m);
    fix_load_ok(&f);
    call_all(&f, m);
    fix_done(&f);
    manifests_free(m);
}

/* Several together: then actions share the types of resources. */
static void check_starter(void)
{
    struct fixture f;
    struct manifests *m = NULL;
    char err[1024];

    start(&f);
    assert_int_equal(manifests_load(&f.bundle, &facts, 1, &m, err, sizeof(err)),
                     TS_OK);
    assert_true(m->refused_count == 0 && m->count >= 8);
    serve(&f, m);
    fix_load_ok(&f);
    call_all(&f, m);
    fix_done(&f);
    manifests_free(m);
}

static void calls_of_the_starters_tools_fit_its_schema(void **state)
{
    (void)state;
    calls_made = 0;
    check_starter();
    assert_true(calls_made >= 16);
}

static void check_blocks(const char *path, const char *opening)
{
    static char doc[131072];

    read_whole(path, doc, sizeof(doc));
    for (char *p = doc; (p = strstr(p, opening)) != NULL;) {
        char *begin = strchr(p, '\n') + 1, *end = strstr(begin, "```");

        assert_non_null(end);
        check_one(begin, (size_t)(end - begin));
        p = end + 3;
    }
}

static void calls_of_the_manuals_tools_fit_their_schemas(void **state)
{
    (void)state;
    tools_seen = 0;
    check_blocks(TOOLS_MANUAL, "```yaml\n");
    check_blocks(TOOLS_PAGE, "```\ntool: ");
    assert_true(tools_seen >= 12);
}

static void calls_of_the_corpus_of_manifests_fit_their_schemas(void **state)
{
    static char text[131072];
    const struct dirent *de;
    char path[1024];
    DIR *d = opendir(MANIFEST_CORPUS);

    (void)state;
    assert_non_null(d);
    tools_seen = 0;
    while ((de = readdir(d)) != NULL) {
        if (de->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", MANIFEST_CORPUS,
                       de->d_name);
        read_whole(path, text, sizeof(text));
        check_one(text, strlen(text));
    }
    (void)closedir(d);
    assert_true(tools_seen >= 2);
}

/* Every type of argument and of resource, names that Cedar keeps for itself. */
static const char *const kinds[] = {
    "tool: t.all\nexec: /x\nargv: [x]\nargs:\n"
    "  s: {type: string, required: true}\n  i: {type: int}\n"
    "  b: {type: bool}\n  l: {type: strings}\n  p: {type: path}\n"
    "  u: {type: url}\n  d: {type: decimal, min: -1}\n  j: {type: json}\n",
    "tool: t.named\nexec: /x\nargv: [x]\n"
    "args: {if: {type: string, required: true}, in: {type: decimal}}\n"
    "resource: {type: Rate, arg: if}\n",
    "tool: t.space\nexec: /x\nargv: [x]\n"
    "args: {r: {type: string, required: true}}\n"
    "resource: {type: 'App::Git::Repo', arg: r}\n",
    "tool: t.user\nexec: /x\nargv: [x]\n"
    "args: {r: {type: string, required: true}}\n"
    "resource: {type: User, arg: r}\n",
    "tool: t.host\nexec: /x\nargv: [x]\n"
    "args: {r: {type: string, required: true}}\n"
    "resource: {type: Host, arg: r}\n",
    "tool: t.tool\nexec: /x\nargv: [x]\n"
    "args: {r: {type: string, required: true}}\n"
    "resource: {type: Tool, arg: r}\n",
    "tool: t.fixed\nexec: /x\nargv: [x]\n"
    "resource: {type: File, path: /srv/ws/a, root: /srv/ws, access: read}\n",
    "tool: t.dir\nexec: /x\nargv: [x]\n"
    "resource: {type: Dir, path: /srv/ws, access: read}\n",
    "tool: t.act\nexec: /x\nargv: [x]\naction: 'a:b/c.d-e_f'\n"
    "args: {u: {type: url, required: true}}\n"
    "resource: {type: Url, arg: u}\n",
};

static void calls_of_every_kind_fit_their_schemas(void **state)
{
    (void)state;
    tools_seen = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        check_one(kinds[i], strlen(kinds[i]));
    assert_int_equal(tools_seen, sizeof(kinds) / sizeof(kinds[0]));
}

/* What policies see of a decimal and of JSON is the value, exactly. */
static void policies_see_decimals_and_json_exactly(void **state)
{
    static const struct {
        const char *when, *args;
        enum call_code code;
    } rows[] = {
        {"context.args.d == decimal(\"12.5\")", "d=12.50", CODE_PERMITTED},
        {"context.args.d == decimal(\"12.0\")", "d:=12", CODE_PERMITTED},
        {"context.args.d.lessThan(decimal(\"12.5\"))", "d=12.4999",
         CODE_PERMITTED},
        {"context.args.d.lessThan(decimal(\"12.5\"))", "d=12.5", CODE_DENIED},
        {"context.args.d == decimal(\"-922337203685477.5808\")",
         "d=-922337203685477.5808", CODE_PERMITTED},
        {"context.args.j == \"[\\\"a\\\",\\\"b\\\"]\"", "j@=a,b",
         CODE_PERMITTED},
        {"context.args.j == \"true\"", "j?=1", CODE_PERMITTED},
        {"context.args.j == \"\\\"true\\\"\"", "j=true", CODE_PERMITTED},
    };
    static const char tool[] = "tool: t\nexec: /x\nargv: [x]\nlog: full\n"
                               "args: {d: {type: decimal}, j: {type: json}}\n";
    struct manifests *m = load(tool, sizeof(tool) - 1);
    struct fixture f;

    (void)state;
    assert_non_null(m);
    start(&f);
    fix_set(&f, "tools/x.yaml", tool);
    serve(&f, m);
    fix_load_ok(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fix_grant g = grants[0];
        struct fix_call c = {.tool = "t", .args = rows[i].args};
        static struct fix_result r;
        struct authority *a;
        char policy[512];

        (void)snprintf(policy, sizeof(policy),
                       "permit (principal, action == Action::\"t\", resource) "
                       "when { context.args has %c && %s };",
                       rows[i].args[0], rows[i].when);
        g.policy = policy;
        a = fix_authority(&f, &g);
        fix_decide(&f, a, &c, &r);
        if (r.e != TS_OK || r.d.code != rows[i].code)
            fail_msg("%s with %s: %s", rows[i].when, rows[i].args,
                     call_code_name(r.d.code));
        authority_free(a);
    }
    fix_done(&f);
    manifests_free(m);
}

/* The test can fail: without one field, or with one more, nothing fits. */
static void a_schema_of_other_fields_fits_no_call(void **state)
{
    static const struct {
        const char *from, *to;
    } edits[] = {
        {"        hop: String,\n", ""},
        {"        hop: String,\n", "        hop: Long,\n"},
        {"        depth: Long,\n", "        depth: Long, extra: Long,\n"},
        {"            secrets: Bool,\n", ""},
        {"                seconds: Found,\n", ""},
        {"            seconds: Long,\n", "            seconds: decimal,\n"},
        {"    untrusted: Bool,\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        struct fixture f;
        struct manifests *m = NULL;
        struct authority *a;
        char err[1024];

        start(&f);
        /* demo.sleep is the first of the schema, and the one that is edited. */
        fix_set(&f, "tools/demo.inbox.yaml", NULL);
        fix_set(&f, "tools/demo.pay.yaml", NULL);
        fix_set(&f, "tools/demo.send.yaml", NULL);
        assert_int_equal(
            manifests_load(&f.bundle, &facts, 1, &m, err, sizeof(err)), TS_OK);
        serve(&f, m);
        fix_edit(&f, "tenants/acme/schema.cedarschema", edits[i].from,
                 edits[i].to);
        fix_load_ok(&f);
        a = fix_authority(&f, &grants[0]);
        assert_string_equal(fix_code(&f, a, "demo.sleep", "seconds:=5"),
                            "schema_mismatch");
        authority_free(a);
        fix_done(&f);
        manifests_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_of_the_starters_tools_fit_its_schema),
        cmocka_unit_test(calls_of_the_manuals_tools_fit_their_schemas),
        cmocka_unit_test(calls_of_the_corpus_of_manifests_fit_their_schemas),
        cmocka_unit_test(calls_of_every_kind_fit_their_schemas),
        cmocka_unit_test(policies_see_decimals_and_json_exactly),
        cmocka_unit_test(a_schema_of_other_fields_fits_no_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
