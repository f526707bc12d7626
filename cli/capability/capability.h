#ifndef CLI_CAPABILITY_CAPABILITY_H
#define CLI_CAPABILITY_CAPABILITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/capability/text.h"

/*
 * What a task may do, as a planner writes it down, and the Cedar text of a
 * delegation's block that says the same (docs/DELEGATION.md):
 *
 *   {"allow": ["read"],
 *    "capabilities": [
 *      {"tool": "send_money", "max_calls": 3, "sums": {"amount": "500.00"},
 *       "args": {"recipient": [{"in": ["UK123"]},
 *                              {"from": [["read_file", "/iban"]]}]}}]}
 *
 * allow: action groups, without conditions. A capability is a verb, and for
 * each argument that carries authority which values are delegated: literals
 * (in), whatever an output said at that place (from: tool, pattern of
 * pointers), or any. One that is not named may not be given; one that is named
 * must be, unless it is any. from_untrusted
 * beside from is for people: what strangers wrote stays a question of the
 * tenant's policies. Arguments that are content are free. max_calls and sums
 * are limits of all calls within the capability together: how many, and what
 * an argument of them comes to.
 *
 * Outside of its capabilities a verb asks people (@approval "confirm"); any
 * other verb is not permitted. With provenance it is refused, and nobody is
 * asked, when a value of authority or a link in the content comes from
 * strangers.
 */
enum capability_kind {
    CAPABILITY_STRING = 1,
    CAPABILITY_STRINGS, /* a set of texts */
    CAPABILITY_INT,
    CAPABILITY_BOOL,
    CAPABILITY_OTHER,  /* json: pinned by where it is from, or not */
    CAPABILITY_DECIMAL /* the same; can be summed */
};

struct capability_arg {
    const char *name;
    enum capability_kind kind;
    bool is_authority;
    bool is_required;
};
struct capability_tool {
    const char *name;
    const char *action;
    const struct capability_arg *args;
    size_t arg_count;
};

struct capability_rules {
    const struct capability_tool *tools;
    size_t tool_count;
    /* The user's own names and addresses: beside the literals of a list. */
    const char *const *identities;
    size_t identity_count;
    bool has_provenance; /* context.provenance says where arguments are from;
                            without it "from" is as good as "any" */
    bool has_uses;       /* context.uses and .sums count calls and amounts;
                            without them limits are left out */
};

#define CAPABILITY_POLICY_MAX 4096 /* bytes of a block */
#define CAPABILITY_TOOLS_MAX  64   /* verbs of one delegation */
#define CAPABILITY_COUNTERS   16   /* limits of one delegation */
#define CAPABILITY_ERROR_MAX  256

/* Appends the Cedar text. False: reterr says which capability and what to do;
 * what is in out then must not be used. */
bool capability_compile(json_t *file, const struct capability_rules *r,
                        struct text *out, char reterr[CAPABILITY_ERROR_MAX]);

#endif
