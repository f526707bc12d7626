#ifndef TESTS_SANDBOX_SPACE_INSIDE_H
#define TESTS_SANDBOX_SPACE_INSIDE_H

#include "sidecar/launcher/space/enter.h"
#include "sidecar/launcher/space/space.h"

/* One tool: its folder in the file system, its paths, its template. */
struct inside {
    char home[64]; /* a fresh folder, removed by inside_done() */
    struct space_builder builder;
    struct space_path paths[8];
    uint32_t path_count;
    struct space_want want;
    struct space_set *set;
    unsigned own_id; /* of /tmp's owner and group; 0: a tool's */
};

/* False, with a line that says so, where this host cannot make templates. */
bool inside_possible(void);

/* home is made beneath base ("/srv", "/tmp", ..). */
void inside_start(struct inside *t, const char *base);
void inside_done(struct inside *t);
/* A path below home ("" is home itself); opened now, as a manifest's is. */
void inside_path(struct inside *t, const char *name, uint32_t flags);
void inside_open(struct inside *t, const char *path, uint32_t flags);
/* Fails the test if the template cannot be made. */
void inside_build(struct inside *t);
const char *inside_why(struct inside *t); /* builds; NULL if it could be */
void inside_file(const char *folder, const char *name, const char *text);

/*
 * Runs check in a child that has entered, as process 1 of a pid namespace, with
 * all capabilities (what a tool without them cannot do, even less). Its result
 * is 0, or the line of the check that failed.
 */
int inside_run(const struct inside *t, int (*check)(const char *home));
#define INSIDE_WANT(x)                                                         \
    do {                                                                       \
        if (!(x))                                                              \
            return __LINE__ % 251 + 1;                                         \
    } while (0)

/* Of this process. */
int count_fds(void);
int count_mounts(void);
int count_children(void);

#endif
