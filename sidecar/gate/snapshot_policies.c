#include <stdio.h>
#include <string.h>

#include "sidecar/gate/snapshot_priv.h"

/* Loads the policies of a tenant and holds them to the rules on annotations. */

#define POLICY_FILES_MAX 1024
#define POLICY_ID_MAX    128 /* bytes: ids are written into every record */

static const char *const known[] = {"id",     "approval", "breakglass",
                                    "reason", "title",    "description",
                                    "owner",  "severity", NULL};

struct policy_files {
    struct cedar_source *list;
    size_t count;
    size_t hard_count; /* the first ones */
};

void snapshot_diag_text(const struct cedar_diags *diags,
                        const struct cedar_source *sources, size_t count,
                        char *out, size_t cap)
{
    const struct cedar_diag *d = &diags->list[0];
    const char *name = "?";

    if (diags->count == 0) {
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

static bool is_ident(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= '0' && c <= '9');
}

static bool is_known(struct ts_str name)
{
    for (size_t i = 0; known[i] != NULL; i++)
        if (ts_str_eq_c(name, known[i]))
            return true;
    return false;
}

/* Past a comment or a string that starts at i, else i. */
static size_t skip_quiet(struct ts_str t, size_t i)
{
    if (t.ptr[i] == '/' && i + 1 < t.len && t.ptr[i + 1] == '/') {
        while (i < t.len && t.ptr[i] != '\n')
            i++;
        return i;
    }
    if (t.ptr[i] != '"')
        return i;
    for (i++; i < t.len && t.ptr[i] != '"'; i++)
        if (t.ptr[i] == '\\')
            i++;
    return i < t.len ? i + 1 : t.len;
}

static size_t line_of(struct ts_str t, size_t at)
{
    size_t line = 1;

    for (size_t i = 0; i < at; i++)
        line += t.ptr[i] == '\n';
    return line;
}

/* Outside comments and strings, '@' begins an annotation and nothing else. The
 * text has been parsed, so it is well formed. */
static ts_err check_names(const struct cedar_source *s, char *reterr_text,
                          size_t reterr_cap)
{
    struct ts_str t = s->text, name;
    char shown[64];
    size_t i = 0;

    while (i < t.len) {
        size_t next = skip_quiet(t, i);

        if (next != i) {
            i = next;
            continue;
        }
        if (t.ptr[i++] != '@')
            continue;
        name = (struct ts_str){.ptr = t.ptr + i, .len = 0};
        while (i < t.len && is_ident(t.ptr[i])) {
            i++;
            name.len++;
        }
        if (is_known(name))
            continue;
        (void)ts_str_escape(shown, sizeof(shown), name.ptr, name.len);
        (void)snprintf(reterr_text, reterr_cap,
                       ts_str_eq_c(name, "sandbox")
                           ? "%s:%zu: @%s is not supported; the tool's "
                             "manifest sets its sandbox"
                           : "%s:%zu: unknown annotation @%s; docs/TENANTS.md "
                             "lists the known ones",
                       s->name, line_of(t, (size_t)(name.ptr - t.ptr)), shown);
        return TS_E_FORMAT;
    }
    return TS_OK;
}

static const char *policy_fault(const struct cedar_policies *p, size_t i,
                                bool hard)
{
    struct cedar_policy_info info = cedar_policies_info(p, i);
    struct ts_str role = {0};
    bool approval = cedar_policies_annotation(p, i, "approval", &role);

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
    return NULL;
}

static ts_err check_policies(const struct cedar_policies *p,
                             const struct policy_files *files,
                             char *reterr_text, size_t reterr_cap)
{
    for (size_t i = 0; i < cedar_policies_count(p); i++) {
        struct cedar_policy_info info = cedar_policies_info(p, i);
        const char *fault =
            policy_fault(p, i, info.span.source < files->hard_count);
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

static ts_err parse_files(const struct policy_files *files,
                          struct cedar_policies **ret, char *reterr_text,
                          size_t reterr_cap)
{
    struct cedar_options options = cedar_options_default;
    struct cedar_diags diags = {0};
    struct cedar_policies *p = NULL;
    ts_err e;

    options.require_id = true;
    e = cedar_policies_parse(files->list, files->count, &options, &p, &diags);
    if (e != TS_OK) {
        if (e != TS_E_NOMEM)
            snapshot_diag_text(&diags, files->list, files->count, reterr_text,
                               reterr_cap);
        return e;
    }
    for (size_t i = 0; e == TS_OK && i < files->count; i++)
        e = check_names(&files->list[i], reterr_text, reterr_cap);
    if (e == TS_OK)
        e = check_policies(p, files, reterr_text, reterr_cap);
    if (e != TS_OK)
        cedar_policies_free(p);
    else
        *ret = p;
    return e;
}

ts_err snapshot_policies(const struct bundle *b, const char *prefix,
                         struct cedar_policies **ret, char *reterr_text,
                         size_t reterr_cap)
{
    struct policy_files files = {0};
    struct ts_arena temp;
    void *p;
    ts_err e;

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
        e = parse_files(&files, ret, reterr_text, reterr_cap);
    ts_arena_done(&temp);
    return e;
}
