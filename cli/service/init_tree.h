#ifndef CLI_SERVICE_INIT_TREE_H
#define CLI_SERVICE_INIT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cli/starter.h"
#include "proto/trust/keys.h"

#define INIT_PATH_MAX 1024

/*
 * A directory that appears whole or not at all: built beside its place under
 * another name, then renamed. All functions print their error and return
 * false.
 */
struct init_tree {
    char final[INIT_PATH_MAX];    /* where it will be */
    char path[INIT_PATH_MAX + 8]; /* where it is being built; "" for nowhere */
};

bool init_tree_begin(struct init_tree *t, const char *dir);
/* Files of the table, with their placeholders filled in. */
bool init_tree_starter(const struct init_tree *t,
                       const struct starter_value *values);
/* NAME.seed (0400) and NAME.pub (0444) of a fresh key pair; hex_pub gets the
 * public half. */
bool init_tree_key(const struct init_tree *t, const char *name,
                   char hex_pub[2 * TRUST_PK_LEN + 1]);
bool init_tree_directory(const struct init_tree *t, const char *name,
                         mode_t mode);
/* Puts it in its place. */
bool init_tree_commit(struct init_tree *t);
/* Removes what was not committed. */
void init_tree_done(struct init_tree *t);

#endif
