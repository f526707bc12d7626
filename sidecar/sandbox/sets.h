#ifndef SIDECAR_SANDBOX_SETS_H
#define SIDECAR_SANDBOX_SETS_H

/*
 * Named sets of system calls, the vocabulary of systemd's SystemCallFilter=:
 * an operator who has written a unit file knows them. Data.
 */
struct sandbox_set {
    const char *name;    /* "@file-system" */
    const char *members; /* names and other sets, one space between */
};

/* Sorted by name; ends with a NULL name. */
extern const struct sandbox_set sandbox_sets[];

#endif
