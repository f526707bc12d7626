/* Policies, schema and entities of a command line. */
#include "cli/policy/inputs.h"

#include <string.h>

#include "cli/cmd.h"
#include "cli/policy/report.h"

/* Without a name for every policy a set of strangers could not be read. */
static struct cedar_options parse_options(bool require_id)
{
    struct cedar_options o = cedar_options_default;

    o.require_id = require_id;
    o.prefer_id = !require_id;
    return o;
}

struct cedar_diags *pol_diags(struct pol_inputs *in)
{
    cedar_diags_clear(in->diags);
    return in->diags;
}

/* Prints, unless the caller wants to do that itself. */
static bool failed(const struct pol_inputs *in, const char *what, ts_err e,
                   bool print, const struct pol_files *files)
{
    if (print || in->diags->count == 0)
        pol_complain_err(what, e, in->diags, files);
    return false;
}

bool pol_inputs_init(struct pol_inputs *in)
{
    void *mem;

    *in = (struct pol_inputs){0};
    ts_arena_init(&in->arena, POL_ARENA);
    if (ts_arena_alloc(&in->arena, sizeof(*in->diags), &mem) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    in->diags = mem;
    return true;
}

void pol_inputs_done(struct pol_inputs *in)
{
    pol_set_done(&in->policies);
    cedar_schema_free(in->schema);
    cedar_entities_free(in->entities);
    ts_arena_done(&in->arena);
}

void pol_set_done(struct pol_set *set)
{
    cedar_ast_free(set->ast);
    cedar_policies_free(set->compiled);
    set->ast = NULL;
    set->compiled = NULL;
}

/* Text and JSON name policies differently and make one set each. */
static bool one_format(const struct pol_files *files, const char *format,
                       bool *ret_json)
{
    const struct cedar_source *first_json = NULL, *first_text = NULL;

    if (format != NULL && strcmp(format, "json") != 0 &&
        strcmp(format, "cedar") != 0) {
        cli_error("--policy-format is cedar or json");
        return false;
    }
    if (format != NULL) {
        *ret_json = strcmp(format, "json") == 0;
        return true;
    }
    for (size_t i = 0; i < files->count; i++) {
        const struct cedar_source **first =
            pol_is_json(files->list[i].text) ? &first_json : &first_text;

        if (*first == NULL)
            *first = &files->list[i];
    }
    if (first_json != NULL && first_text != NULL) {
        cli_error("%s is JSON and %s is Cedar text: one set is one or the "
                  "other; see tipstaff policy translate --help",
                  first_json->name, first_text->name);
        return false;
    }
    *ret_json = first_json != NULL;
    return true;
}

static bool link_templates(struct pol_inputs *in, const char *path,
                           struct pol_set *set)
{
    struct cedar_source source;
    struct pol_files files = {.list = &source, .count = 1};
    ts_err e;

    if (!pol_read(&in->arena, path, POL_FILE_MAX, &source))
        return false;
    e = cedar_ast_link_json(set->ast, &source, pol_diags(in));
    if (e == TS_OK)
        return true;
    pol_complain_err(source.name, e, in->diags, &files);
    (void)pol_diags(in); /* printed here: their file is not one of the set */
    return false;
}

bool pol_set_load(struct pol_inputs *in, const struct pol_options *o,
                  struct pol_set *ret, bool print)
{
    struct cedar_options options = parse_options(o->require_id);
    struct cedar_diags *d = pol_diags(in);
    struct pol_set set = {0};
    ts_err e;

    if (!pol_read_all(&in->arena, o->policies.items, o->policies.count,
                      &set.files) ||
        !one_format(&set.files, o->format, &set.json))
        return false;
    ret->files = set.files; /* diagnostics are about these */
    e = set.json ? cedar_ast_parse_json(set.files.list, set.files.count,
                                        &options, &set.ast, d)
                 : cedar_ast_parse(set.files.list, set.files.count, &options,
                                   &set.ast, d);
    if (e != TS_OK)
        return failed(in, "the policies", e, print, &set.files);
    if (o->links != NULL && !link_templates(in, o->links, &set)) {
        pol_set_done(&set);
        return false;
    }
    *ret = set;
    return true;
}

bool pol_set_compile(struct pol_inputs *in, struct pol_set *set)
{
    ts_err e = cedar_ast_compile(set->ast, &set->compiled, pol_diags(in));

    return e == TS_OK || failed(in, "the policies", e, true, &set->files);
}

bool pol_load_policies(struct pol_inputs *in, const struct pol_options *o,
                       bool print)
{
    if (o->policies.count == 0) {
        cli_error("no policies: give --policies FILE (or DIR, or -)");
        return false;
    }
    return pol_set_load(in, o, &in->policies, print);
}

/* Fragments may come in several files, of one syntax. */
bool pol_load_schema(struct pol_inputs *in, const struct pol_options *o,
                     bool print)
{
    struct cedar_diags *d = pol_diags(in);
    struct pol_files *f = &in->schema_files;
    size_t json = 0;
    ts_err e;

    if (o->schema.count == 0)
        return true;
    if (!pol_read_all(&in->arena, o->schema.items, o->schema.count, f))
        return false;
    for (size_t i = 0; i < f->count; i++)
        json += pol_is_json(f->list[i].text) ? 1 : 0;
    if (json > 0 && json < f->count) {
        cli_error("a schema in several files is all Cedar syntax or all JSON; "
                  "see tipstaff policy translate --help");
        return false;
    }
    e = json > 0 ? cedar_schema_parse_json(f->list, f->count, &in->schema, d)
                 : cedar_schema_parse(f->list, f->count, &in->schema, d);
    return e == TS_OK || failed(in, "the schema", e, print, f);
}

bool pol_load_entities(struct pol_inputs *in, const struct pol_options *o,
                       bool print)
{
    struct cedar_diags *d = pol_diags(in);
    struct pol_files *f = &in->entity_files;
    ts_err e;

    if (!pol_read_all(&in->arena, o->entities.items, o->entities.count, f))
        return false;
    e = in->schema != NULL
            ? cedar_entities_parse_schema(in->schema, f->list, f->count,
                                          &in->entities, d)
            : cedar_entities_parse(f->list, f->count, &in->entities, d);
    return e == TS_OK || failed(in, "the entities", e, print, f);
}

bool pol_load(struct pol_inputs *in, const struct pol_options *o)
{
    bool ok =
        pol_load_policies(in, o, true) && pol_set_compile(in, &in->policies);

    ok = pol_load_schema(in, o, true) && ok; /* all errors in one run */
    return ok && pol_load_entities(in, o, true);
}
