#ifndef CLI_DOCTOR_DOCTOR_H
#define CLI_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_str.h"
#include "proto/msg/order.h"
#include "proto/wire/limits.h"

/*
 * What launchers of this host can give: doctor starts one for each seccomp
 * profile, as the supervisor does, lets it try its boxes with the canary, and
 * ends it. As root they get the user and the capabilities that the service
 * gives them; else they are what the caller is.
 */
#define DOCTOR_TEXT 96

struct doctor_box { /* one level of one profile */
    char profile[DOCTOR_TEXT];
    enum box_level level;
    bool offered;  /* host and privileges suffice */
    bool given;    /* and the canary found nothing */
    bool expected; /* not given, as the profile asks for */
    uint32_t layers, weakened;
    char step[DOCTOR_TEXT]; /* "canary:..." if it was taken away, else "" */
};
#define DOCTOR_BOXES_MAX (TS_LAUNCHERS_MAX * 4)

struct doctor_report {
    struct doctor_box box[DOCTOR_BOXES_MAX];
    uint32_t box_count;
    uint32_t launchers;
    bool is_whole;          /* every launcher got ready */
    char trouble[256];      /* if not: which did not, and why */
    char unserved[4096];    /* tools of the configuration, a line each */
    char user[DOCTOR_TEXT]; /* that the launchers ran as */
    uint64_t took_us;
};

/* bundle_fd: the configuration, or -1 for none; launchers: how many profiles
 * it has. verbose: the launchers' own log goes to standard error. */
void doctor_boxes(int bundle_fd, uint32_t launchers, bool verbose,
                  struct doctor_report *ret);

/* Reads a STATUS of a launcher (sidecar/launcher/trials.h). False: not one, and
 * *ret is untouched. */
TS_NODISCARD bool doctor_box_parse(struct ts_str text, struct doctor_box *ret);

/* What to do to have a layer; static text. */
const char *doctor_remedy(uint32_t layer);

#endif
