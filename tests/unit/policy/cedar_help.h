#ifndef TESTS_UNIT_POLICY_CEDAR_HELP_H
#define TESTS_UNIT_POLICY_CEDAR_HELP_H

#include "policy/cedar.h"

/*
 * One request U::"a", Action::"v", R::"r" against policy text, with context and
 * entities in JSON. Everything is loaded for it and freed after it.
 */
struct help_case {
    struct ts_str policies;
    const char *context;
    const char *entities;
    bool require_id;
};

struct help_result {
    ts_err err; /* what failed, if the request could not be asked */
    enum cedar_decision decision;
    char reasons[256]; /* ids, blank separated */
    char permits[256];
    char errors[512]; /* "id:code", blank separated */
    bool forbid_error;
    char first_error[192];
    struct cedar_diags diags;
};

void help_run(const struct help_case *c, struct help_result *ret);

#endif
