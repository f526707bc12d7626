#ifndef CLI_POLICY_REQUEST_H
#define CLI_POLICY_REQUEST_H

#include "cli/policy/inputs.h"

struct json;

/*
 * Requests, from options or as JSON:
 *
 *   {"principal": "User::\"alice\"", "action": ..., "resource": ...,
 *    "context": {...}, "entities": [...]}
 *
 * A uid is Cedar text, {"type", "id"} or {"__entity": {"type", "id"}}; context
 * and entities may be absent; other members are an error, since a misspelt
 * "context" must not pass for an empty one.
 */
struct pol_request_options {
    const char *principal, *action, *resource, *context, *json;
    const char *validation; /* "true" (default) or "false" */
};

#define POL_OPT_REQUEST(r)                                                     \
    {"--principal", "UID",           "who asks, e.g. 'User::\"alice\"'",       \
     CLI_TEXT,      &(r)->principal, false},                                   \
        {"-l", "UID", NULL, CLI_TEXT, &(r)->principal, false},                 \
        {"--action", "UID",        "what for, e.g. 'Action::\"view\"'",        \
         CLI_TEXT,   &(r)->action, false},                                     \
        {"-a", "UID", NULL, CLI_TEXT, &(r)->action, false},                    \
        {"--resource", "UID",          "on what, e.g. 'Photo::\"a.jpg\"'",     \
         CLI_TEXT,     &(r)->resource, false},                                 \
        {"-r", "UID", NULL, CLI_TEXT, &(r)->resource, false},                  \
        {"--context", "FILE",        "the context, a JSON object",             \
         CLI_TEXT,    &(r)->context, false},                                   \
        {"-c", "FILE", NULL, CLI_TEXT, &(r)->context, false},                  \
        {"--request-json", "FILE",     "the whole request instead, as JSON",   \
         CLI_TEXT,         &(r)->json, false},                                 \
    {                                                                          \
        "--request-validation", "true|false",                                  \
            "check the request with the schema (true)", CLI_TEXT,              \
            &(r)->validation, false                                            \
    }

struct pol_request {
    struct cedar_request req;        /* lives in the arena given */
    struct cedar_entities *entities; /* its own, or NULL: those of the inputs */
    struct cedar_span span;          /* where it stands; line 0: options */
};
void pol_request_done(struct pol_request *r);
const struct cedar_entities *pol_request_entities(const struct pol_inputs *in,
                                                  const struct pol_request *r);

/* All print what is wrong and return false. */
bool pol_request_read(struct pol_inputs *in,
                      const struct pol_request_options *o,
                      struct pol_request *ret);

struct pol_request_list {
    struct pol_request *list; /* in the arena of the inputs */
    size_t count;
};
#define POL_REQUESTS_MAX 1000000u

/* Requests in a JSON array, one JSON object, or JSON lines. */
bool pol_requests_read(struct pol_inputs *in, const char *path, bool validate,
                       struct pol_request_list *ret);
void pol_requests_done(struct pol_request_list *l);

/*
 * One request in JSON text, a part of file that begins at `at`: diagnostics
 * then stand at their place in the file.
 */
bool pol_request_parse(struct pol_inputs *in, const struct cedar_source *file,
                       struct ts_str text, struct cedar_span at, bool validate,
                       struct pol_request *ret, struct cedar_diags *diags);

#endif
