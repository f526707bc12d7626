#ifndef SIDECAR_LAUNCHER_START_GIVEN_H
#define SIDECAR_LAUNCHER_START_GIVEN_H

#include "sidecar/common/manifest/manifest.h"

/* A descriptor that a tool gets beyond 0 to 2, and the number that it gets it
 * at. The numbers are fixed, so that the environment can name them. */
struct child_given {
    int fd;
    int number; /* CHILD_GIVEN_FIRST to CHILD_GIVEN_END - 1, each once */
};
#define CHILD_GIVEN_FIRST 3
#define GIVEN_TOKEN       3 /* identity token */
#define GIVEN_SECRET      4 /* the first secret, the others behind it */
#define GIVEN_EGRESS      (GIVEN_SECRET + MANIFEST_SECRETS_MAX)
#define CHILD_GIVEN_END   (GIVEN_EGRESS + 1)
#define CHILD_GIVEN_MAX   (CHILD_GIVEN_END - CHILD_GIVEN_FIRST)

#endif
