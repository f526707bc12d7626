#include "kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 128

const char *const kind_names[KINDS] = {
    [BARE] = "bare",       [UID] = "uid",       [FULL] = "full",
    [STRICT] = "strict",   [USERNS] = "userns", [BARE_1G] = "bare_1g",
    [FULL_1G] = "full_1g",
};
static const struct {
    enum box_level most, box;
    bool has_caps;
    unsigned mb;
} kinds[KINDS] = {
    [BARE] = {BOX_BARE, BOX_ANY, false, 0},
    [UID] = {BOX_UID, BOX_ANY, true, 0},
    [FULL] = {BOX_FULL, BOX_ANY, true, 0},
    [STRICT] = {BOX_ANY, BOX_STRICT, true, 0},
    [USERNS] = {BOX_FULL, BOX_ANY, false, 0},
    [BARE_1G] = {BOX_BARE, BOX_ANY, false, 1024},
    [FULL_1G] = {BOX_FULL, BOX_ANY, true, 1024},
};

void all_open(struct all *a, int only)
{
    for (int i = 0; i < KINDS; i++) {
        const struct boxes_want w = {.dir = a->dir,
                                     .launcher = a->launcher,
                                     .most = kinds[i].most,
                                     .box = kinds[i].box,
                                     .has_caps = kinds[i].has_caps,
                                     .ballast_mb = kinds[i].mb};

        if ((kinds[i].has_caps && geteuid() != 0) || (only >= 0 && only != i))
            continue;
        a->has[i] = boxes_open(&w, &a->box[i]);
        if (!a->has[i])
            (void)fprintf(stderr, "SKIPPED: no box %s here\n", kind_names[i]);
    }
}

void all_close(struct all *a)
{
    for (int i = 0; i < KINDS; i++) {
        if (a->has[i])
            boxes_close(&a->box[i]);
        a->has[i] = false;
    }
}

void all_add_peers(const struct all *a, struct rows *b)
{
    FILE *f = a->peers != NULL ? fopen(a->peers, "re") : NULL;
    char *line = NULL;
    size_t cap = 0;

    while (f != NULL && getline(&line, &cap, f) > 0) {
        char **argv = calloc(ARGS_MAX, sizeof(char *)), *rest = strdup(line);
        struct row *r;

        rest[strcspn(rest, "\n")] = '\0';
        r = rows_add(b, strsep(&rest, "|"), rows_spawn, NULL);
        for (size_t i = 0; rest != NULL && i + 1 < ARGS_MAX; i++)
            argv[i] = strsep(&rest, "|");
        r->argv = argv;
    }
    free(line);
    if (f != NULL)
        (void)fclose(f);
}
