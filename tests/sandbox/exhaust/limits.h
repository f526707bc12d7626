/* Limits that a launcher is started beneath, and what it holds of what is
 * limited. */
#ifndef TESTS_SANDBOX_EXHAUST_LIMITS_H
#define TESTS_SANDBOX_EXHAUST_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct limit {
    const char *file; /* of /proc/sys/user, for limit_namespaces() */
    int resource;     /* RLIMIT_*, for limit_resource() */
    uint64_t value;
    char group[128]; /* for limit_processes() */
};

/* box_parts.prepare; the argument is a struct limit. */
bool limit_resource(void *limit);
/* In a user namespace that has everybody in it and may make so many; where
 * limit_is_possible(). */
bool limit_namespaces(void *limit);
bool limit_is_possible(void); /* says SKIPPED if not */
/* In a control group of its own; false says SKIPPED. */
bool limit_group_make(struct limit *l);
bool limit_processes(void *limit);
void limit_group_remove(const struct limit *l);

/* No folder can be made beneath any of them (on), or again (off). The errno
 * that whoever tries is met by. */
int limit_folders(char (*trees)[512], int count, bool on);

/* Network namespaces that the process has a descriptor of, each once. */
int count_net_namespaces(int pid);
/* GRANTs less ENDs of what a launcher has told its broker so far. */
int count_open_grants(int broker);

#endif
