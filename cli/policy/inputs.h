#ifndef CLI_POLICY_INPUTS_H
#define CLI_POLICY_INPUTS_H

#include <stdbool.h>

#include "cli/opts.h"
#include "cli/policy/files.h"
#include "policy/cedar.h"
#include "policy/cedar_schema.h"
#include "policy/cedar_text.h"

/*
 * Policies, schema and entities, read and understood. Policies are named by
 * @id where they have one, else by place (policy0, ...); in JSON by their key.
 */
struct pol_options {
    struct cli_list policies, schema, entities;
    const char *links;  /* a file of template links, or NULL */
    const char *format; /* "cedar", "json", or NULL: by content */
    bool require_id;    /* every policy needs a unique @id, as in the sidecar */
};

#define POL_OPT_POLICIES(o)                                                    \
    {"--policies", "FILE|DIR",     "policies; repeat for more",                \
     CLI_LIST,     &(o)->policies, false},                                     \
        {"-p", "FILE|DIR", NULL, CLI_LIST, &(o)->policies, false},             \
        {"--policy-format",                                                    \
         "cedar|json",                                                         \
         "of the policies; default: by content",                               \
         CLI_TEXT,                                                             \
         &(o)->format,                                                         \
         false},                                                               \
        {"--template-linked",                                                  \
         "FILE",                                                               \
         "links of templates, as cedar writes them",                           \
         CLI_TEXT,                                                             \
         &(o)->links,                                                          \
         false},                                                               \
    {                                                                          \
        "-k", "FILE", NULL, CLI_TEXT, &(o)->links, false                       \
    }
#define POL_OPT_SCHEMA(o)                                                      \
    {                                                                          \
        "--schema",                                                            \
        "FILE",                                                                \
        "schema, Cedar syntax or JSON; repeat for more",                       \
        CLI_LIST,                                                              \
        &(o)->schema,                                                          \
        false},                                                                \
    {                                                                          \
        "-s", "FILE", NULL, CLI_LIST, &(o)->schema, false                      \
    }
#define POL_OPT_ENTITIES(o)                                                    \
    {                                                                          \
        "--entities", "FILE", "entities in JSON; repeat for more", CLI_LIST,   \
            &(o)->entities, false                                              \
    }

struct pol_set {
    struct pol_files files;
    bool json;
    struct cedar_ast *ast;
    struct cedar_policies *compiled; /* NULL until pol_set_compile() */
};

struct pol_inputs {
    struct ts_arena arena;     /* texts of all files */
    struct cedar_diags *diags; /* scratch: 12 KiB, too much for every stack */
    struct pol_set policies;
    struct pol_files schema_files, entity_files;
    struct cedar_schema *schema;     /* NULL: none was given */
    struct cedar_entities *entities; /* NULL until pol_load_entities() */
};

bool pol_inputs_init(struct pol_inputs *in);
void pol_inputs_done(struct pol_inputs *in);          /* a zeroed one is fine */
struct cedar_diags *pol_diags(struct pol_inputs *in); /* the scratch, empty */

/*
 * Each returns false when it failed. What came with a position is in in->diags,
 * and is printed when print says so; the rest (no such file, no memory) always
 * has been printed.
 */
bool pol_load_policies(struct pol_inputs *in, const struct pol_options *o,
                       bool print);
bool pol_load_schema(struct pol_inputs *in, const struct pol_options *o,
                     bool print);
bool pol_load_entities(struct pol_inputs *in, const struct pol_options *o,
                       bool print);
/* All of them, and the policies compiled: what a decision needs. */
bool pol_load(struct pol_inputs *in, const struct pol_options *o);

/* A set by itself (the two sides of diff); its texts live in in->arena. */
bool pol_set_load(struct pol_inputs *in, const struct pol_options *o,
                  struct pol_set *ret, bool print);
bool pol_set_compile(struct pol_inputs *in, struct pol_set *set);
/* Replaces a compiled JSON set by the same policies in text, where text can say
 * it (no links, no @id that differs from the key); else leaves it as it is. */
void pol_set_as_text(struct pol_inputs *in, struct pol_set *set);
void pol_set_done(struct pol_set *set);

#endif
