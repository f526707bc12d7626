#ifndef CLI_DIRECTORY_PATCH_PATH_H
#define CLI_DIRECTORY_PATCH_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * The path of one operation (a subset of RFC 7644, figure 7):
 *
 *     path   = list [ "[" attr " eq " string "]" ] [ "." field ]
 *     field  = name [ "." name / "[" "value eq " ( string / number ) "]" ]
 *     list   = "users" / "agents" / "approvers" / "groups"
 *     string = DQUOTE *( any byte but DQUOTE, "\", controls ) DQUOTE
 *
 * Which fields a list has is not its business.
 */
enum patch_list {
    PATCH_USERS,
    PATCH_AGENTS,
    PATCH_APPROVERS,
    PATCH_GROUPS
};

struct patch_path { /* borrows from the text */
    enum patch_list list;
    bool has_filter;
    struct ts_str attr, id; /* [attr eq "id"] */
    struct ts_str field;    /* "" for none */
    struct ts_str name;     /* attrs.NAME; "" for none */
    bool has_item;          /* field[value eq ..] */
    bool item_is_number;
    struct ts_str item;
    uint64_t number;
};

#define PATCH_PATH_MAX 1024 /* bytes */

/* TS_E_FORMAT: reterr_what (static text) says what was expected. */
TS_NODISCARD ts_err patch_path_parse(struct ts_str text, struct patch_path *ret,
                                     const char **reterr_what);

#endif
