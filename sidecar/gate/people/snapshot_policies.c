#include <stdio.h>
#include <string.h>

#include "policy/cedar_lint.h"
#include "sidecar/gate/people/approval_rule.h"
#include "sidecar/gate/people/snapshot_priv.h"

/* Loads the policies of a tenant and holds them to the rules on annotations. */

#define POLICY_FILES_MAX 1024
#define POLICY_ID_MAX    128 /* bytes: ids are written into every record */

const char *const snapshot_annotations[] = {
    "id",          "approval", "breakglass", "reason",  "title",
    "description", "owner",    "severity",   "sandbox", "require",
    "counts",      "sums",     "endorse",    NULL};

static const struct cedar_lint_options lints = {
    .annotations = snapshot_annotations, .value_fault = annotation_value_fault};

struct policy_files {
    struct cedar_source *list;
    size_t count;
    size_t hard_count;         /* the first ones */
    struct cedar_source links; /* name NULL: there is none */
};

static const struct cedar_diag *first_error(const struct cedar_diags *diags)
{
    for (uint32_t i = 0; i < diags->count && i < CEDAR_DIAGS_MAX; i++)
        if (diags->list[i].severity == CEDAR_ERROR)
            return &diags->list[i];
    return NULL;
}

void snapshot_diag_text(const struct cedar_diags *diags,
                        const struct cedar_source *sources, size_t count,
                        char *out, size_t cap)
{
    const struct cedar_diag *d = first_error(diags);
    const char *name = "?";

    if (d == NULL) {
        (void)snprintf(out, cap, "%s: cannot be read",
                       count > 0 ? sources[0].name : "policies");
        return;
    }
    if (d->span.source < count)
        name = sources[d->span.source].name;
    (void)snprintf(out, cap, "%s:%u:%u: %s%s%s", name, d->span.line,
                   d->span.column, d->text, d->hint[0] != '\0' ? "; " : "",
                   d->hint);
}

static const char *policy_fault(const struct cedar_ast *a, size_t i, bool hard)
{
    struct cedar_ast_info info = cedar_ast_info(a, i);
    struct ts_str role = {0};
    bool approval = cedar_ast_annotation(a, i, "approval", &role);

    if (info.id.len == 0 || info.id.len > POLICY_ID_MAX)
        return "the @id is empty or longer than 128 bytes; shorten it";
    if (hard && approval)
        return "@approval in hard/; a hard rule cannot be lifted: move the "
               "policy to policies/approval/ or remove the annotation";
    if (!hard && info.effect == CEDAR_PERMIT)
        return "a permit in approval/; only a forbid can wait for approval: "
               "move it to policies/hard/";
    if (!hard && !approval)
        return "no @approval(\"...\") in approval/; add it, or move the policy "
               "to policies/hard/";
    if (approval && role.len == 0)
        return "@approval has no value; write who approves, like "
               "@approval(\"four-eyes:1\")";
    if (approval && approval_id_is_reserved(info.id))
        return "an @id that begins with block: stands for a policy of a "
               "delegation; rename it";
    return endorse_policy_fault(a, i);
}

static ts_err check_policies(const struct cedar_ast *a,
                             const struct policy_files *files,
                             char *reterr_text, size_t reterr_cap)
{
    for (size_t i = 0; i < cedar_ast_count(a); i++) {
        struct cedar_ast_info info = cedar_ast_info(a, i);
        const char *fault =
            policy_fault(a, i, info.span.source < files->hard_count);
        char id[64];

        if (fault == NULL)
            continue;
        (void)ts_str_escape(id, sizeof(id), info.id.ptr, info.id.len);
        (void)snprintf(reterr_text, reterr_cap, "%s:%u:%u: policy \"%s\": %s",
                       info.span.source < files->count
                           ? files->list[info.span.source].name
                           : "?",
                       info.span.line, info.span.column, id, fault);
        return TS_E_FORMAT;
    }
    return TS_OK;
}

static ts_err add_files(const struct bundle *b, const char *prefix,
                        const char *room, struct ts_arena *arena,
                        struct policy_files *files)
{
    char name[BUNDLE_NAME_MAX + 1];
    const struct bundle_file *f;
    size_t n;

    (void)snprintf(name, sizeof(name), "%s%s", prefix, room);
    f = bundle_prefix(b, name, &n);
    for (size_t i = 0; i < n; i++) {
        const char *copy;
        ts_err e = ts_arena_strndup(arena, f[i].name.ptr, f[i].name.len, &copy);

        if (e != TS_OK)
            return e;
        if (files->count == POLICY_FILES_MAX)
            return TS_E_LIMIT;
        files->list[files->count++] =
            (struct cedar_source){.name = copy, .text = f[i].content};
    }
    return TS_OK;
}

/* What is accepted and still worth a look: the first, for the service's log. */
static void note_warnings(const struct cedar_diags *diags,
                          const struct cedar_source *sources, size_t count,
                          struct snapshot_notes *notes)
{
    const struct cedar_diag *d = &diags->list[0];

    notes->warnings += diags->warnings;
    if (diags->warnings > 0 && notes->first[0] == '\0')
        (void)snprintf(notes->first, sizeof(notes->first), "%s:%u:%u: %s [%s]",
                       d->span.source < count ? sources[d->span.source].name
                                              : "?",
                       d->span.line, d->span.column, d->text, d->code);
}

/* Nothing is activated that has not passed strict validation. */
static ts_err check_tree(const struct cedar_ast *ast,
                         const struct cedar_schema *schema,
                         struct cedar_diags *diags)
{
    ts_err lint = cedar_lint(ast, &lints, diags);
    ts_err e = cedar_validate(ast, schema, &cedar_validate_default, diags);

    return e != TS_OK ? e : lint;
}

/* Fills the slots of templates, when the tenant has a file for it. */
static ts_err add_links(const struct policy_files *files, struct cedar_ast *ast,
                        struct snapshot_notes *notes, struct cedar_diags *diags,
                        char *reterr_text, size_t reterr_cap)
{
    ts_err e;

    if (files->links.name == NULL)
        return TS_OK;
    e = cedar_ast_link_json(ast, &files->links, diags);
    if (e == TS_OK)
        note_warnings(diags, &files->links, 1, notes);
    else if (e != TS_E_NOMEM)
        snapshot_diag_text(diags, &files->links, 1, reterr_text, reterr_cap);
    cedar_diags_clear(diags); /* what follows is about other files */
    return e;
}

/* policies/links.json: what the `cedar` command calls template-linked. */
static void find_links(const struct bundle *b, const char *prefix,
                       char name[BUNDLE_NAME_MAX + 32],
                       struct policy_files *files)
{
    const struct bundle_file *f;

    (void)snprintf(name, BUNDLE_NAME_MAX + 32, "%spolicies/links.json", prefix);
    f = bundle_find(b, name);
    if (f != NULL)
        files->links = (struct cedar_source){.name = name, .text = f->content};
}

static ts_err parse_files(const struct policy_files *files,
                          const struct cedar_schema *schema,
                          struct snapshot_notes *notes,
                          struct cedar_policies **ret, char *reterr_text,
                          size_t reterr_cap)
{
    struct cedar_options options = cedar_options_default;
    struct cedar_diags diags = {0};
    struct cedar_ast *ast = NULL;
    ts_err e;

    options.require_id = true;
    reterr_text[0] = '\0';
    e = cedar_ast_parse(files->list, files->count, &options, &ast, &diags);
    if (e == TS_OK)
        e = add_links(files, ast, notes, &diags, reterr_text, reterr_cap);
    if (e == TS_OK)
        e = check_policies(ast, files, reterr_text, reterr_cap);
    if (e == TS_OK)
        e = check_tree(ast, schema, &diags);
    if (e == TS_OK)
        e = cedar_ast_compile(ast, ret, &diags);
    cedar_ast_free(ast);
    if (e == TS_OK)
        note_warnings(&diags, files->list, files->count, notes);
    else if (e != TS_E_NOMEM && reterr_text[0] == '\0')
        snapshot_diag_text(&diags, files->list, files->count, reterr_text,
                           reterr_cap);
    return e;
}

ts_err snapshot_policies(const struct bundle *b, const char *prefix,
                         const struct cedar_schema *schema,
                         struct snapshot_notes *notes,
                         struct cedar_policies **ret, char *reterr_text,
                         size_t reterr_cap)
{
    char links[BUNDLE_NAME_MAX + 32];
    struct policy_files files = {0};
    struct ts_arena temp;
    void *p;
    ts_err e;

    find_links(b, prefix, links, &files);
    ts_arena_init(&temp, (size_t)1 << 20);
    e = ts_arena_array(&temp, POLICY_FILES_MAX, sizeof(*files.list), &p);
    if (e == TS_OK) {
        files.list = p;
        e = add_files(b, prefix, "policies/hard/", &temp, &files);
        files.hard_count = files.count;
    }
    if (e == TS_OK)
        e = add_files(b, prefix, "policies/approval/", &temp, &files);
    if (e == TS_E_LIMIT)
        (void)snprintf(reterr_text, reterr_cap,
                       "%spolicies: more than %d files; join some of them",
                       prefix, POLICY_FILES_MAX);
    if (e == TS_OK)
        e = parse_files(&files, schema, notes, ret, reterr_text, reterr_cap);
    ts_arena_done(&temp);
    return e;
}

ts_err snapshot_schema(const struct bundle *b, const char *prefix,
                       struct cedar_schema **ret, char *reterr_text,
                       size_t reterr_cap)
{
    char names[2][BUNDLE_NAME_MAX + 32];
    const struct bundle_file *f[2];
    struct cedar_diags diags = {0};
    struct cedar_source source;
    ts_err e;

    (void)snprintf(names[0], sizeof(names[0]), "%sschema.cedarschema", prefix);
    (void)snprintf(names[1], sizeof(names[1]), "%sschema.json", prefix);
    for (size_t i = 0; i < 2; i++)
        f[i] = bundle_find(b, names[i]);
    if ((f[0] == NULL) == (f[1] == NULL)) {
        (void)snprintf(reterr_text, reterr_cap,
                       f[0] == NULL
                           ? "%s: missing; every tenant needs its types, see "
                             "docs/TENANTS.md"
                           : "%s: there is a schema.json beside it; keep one",
                       names[0]);
        return TS_E_FORMAT;
    }
    if (f[0] != NULL) {
        source = (struct cedar_source){names[0], f[0]->content};
        e = cedar_schema_parse(&source, 1, ret, &diags);
    } else {
        source = (struct cedar_source){names[1], f[1]->content};
        e = cedar_schema_parse_json(&source, 1, ret, &diags);
    }
    if (e != TS_OK && e != TS_E_NOMEM)
        snapshot_diag_text(&diags, &source, 1, reterr_text, reterr_cap);
    return e;
}
