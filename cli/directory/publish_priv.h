#ifndef CLI_DIRECTORY_PUBLISH_PRIV_H
#define CLI_DIRECTORY_PUBLISH_PRIV_H

#include "cli/directory/publish.h"

/* The second half of publish.c: what must hold of a state before it is signed.
 * All print their error. */

/* Those of the installed snapshot that still count, and the new ones. */
bool dir_collect_revocations(struct dir_publish *d,
                             struct directory_snapshot *next);
/* No key stands twice, in trust.yaml or among agents and approvers: the gate
 * would refuse it. */
bool dir_check_people(struct dir_publish *d,
                      const struct directory_snapshot *next);
/* What the gate would say to the signed object beside the policies, the schema
 * and the other tenants of this configuration. A configuration that does not
 * load says nothing about it; that is only noted. */
bool dir_check_configuration(const struct dir_publish *d,
                             struct ts_bytes object);

#endif
