#ifndef CLI_POLICY_SUITE_SUITE_H
#define CLI_POLICY_SUITE_SUITE_H

#include "cli/policy/inputs.h"
#include "cli/policy/request.h"
#include "sidecar/common/yaml_tree.h"

/*
 * A file of policy tests:
 *
 *   policies: policies/          a path or a list of paths, relative to the
 * file schema: app.cedarschema      may be absent entities: entities.json may
 * be absent template-linked: links.json  may be absent cases:
 *     - name: the owner may view
 *       principal: User::"alice"
 *       action: Action::"view"
 *       resource: Photo::"a.jpg"
 *       context: {hour: 12}      may be absent
 *       entities: []             beside those of the files; may be absent
 *       expect: allow            or decision, reasons and errors, exactly
 */
#define SUITE_FILE_MAX   ((size_t)8 << 20) /* bytes */
#define SUITE_NODES_MAX  262144u           /* values in one file */
#define SUITE_DEPTH_MAX  40u               /* nesting */
#define SUITE_KEYS_MAX   2048u             /* of one map */
#define SUITE_INPUTS_MAX 16u               /* paths in one list */

struct suite_case {
    struct ts_str name;
    const struct yaml_node *node; /* the whole case, for its place */
    const struct yaml_node *reasons, *errors; /* lists of ids; NULL: any */
    enum cedar_decision decision;
    bool any_decision; /* only reasons or errors are expected */
};

struct suite {
    struct pol_inputs in;     /* holds all that follows */
    struct cedar_source file; /* the YAML */
    struct suite_case *cases;
    size_t count;
};

/* Each prints what is wrong, with its place, and returns false. instead: paths
 * of the command line, which count more than those of the file. */
bool suite_load(const char *path, const struct pol_options *instead,
                struct suite *ret);
void suite_done(struct suite *s);
bool suite_request(struct suite *s, const struct suite_case *c,
                   struct pol_request *ret);

/* An error at a place of the YAML file. */
void suite_complain(struct suite *s, const struct yaml_node *at,
                    const char *hint, const char *fmt, ...) TS_PRINTF(4, 5);

#endif
