#ifndef CLI_REPLAY_SHAPE_H
#define CLI_REPLAY_SHAPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/capability/capability.h"
#include "cli/replay/output.h"
#include "cli/replay/traces.h"
#include "proto/base/ts_arena.h"

/*
 * The tools of one suite, as manifests, schema and capabilities need them. From
 * the records alone:
 *
 * - kinds of arguments from their JSON Schema;
 * - authority and content from authority_args and content_args. Numbers,
 *   booleans and words of a closed list say how much and how, not who or what:
 *   they can be pinned, and their source is not asked for;
 * - an argument called "id" or "..._id" is an id, and so are leaves of outputs
 *   of that name or "id_";
 * - effects R, W, X, I are the action groups read, write, external,
 *   irreversible ("X?", external or not by its arguments, is external).
 */
struct shape_arg {
    const char *name;
    const char *type; /* of the manifest */
    bool is_required;
    bool is_content; /* role: content */
    bool is_id;
    json_t *one_of; /* texts, or NULL */
};

#define SHAPE_PATTERNS_MAX 48

struct shape_tool {
    const char *name, *group, *confidentiality, *description;
    bool is_secret; /* outputs that are secret as a whole */
    struct shape_arg *args;
    struct capability_arg *pins; /* the same arguments, as capabilities see
                                    them */
    size_t arg_count;
    const char *ids[SHAPE_PATTERNS_MAX]; /* pointers into a recorded output */
    size_t id_count;
    json_t *selectors; /* patterns of leaves with a narrow form, by form */
    json_t *outputs;   /* what outputs.h says beside it, or NULL */
    struct output_rules rules; /* of outputs without labels of their own */
};

struct shape {
    const char *suite;
    struct shape_tool *tools;
    struct capability_tool *verbs; /* of the same order */
    size_t count;
    json_t *learned; /* owned: patterns of untrusted leaves, by tool */
};

/* Everything borrows from t and the arena. False: said why. */
bool shape_of(const struct traces *t, const char *suite, enum traces_label l,
              struct ts_arena *arena, struct shape *ret);
void shape_done(struct shape *s);
/* NULL: there is none of that name. */
const struct shape_tool *shape_tool_of(const struct shape *s, const char *name);

#endif
