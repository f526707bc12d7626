#ifndef CLI_DOCTOR_DOCTOR_H
#define CLI_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_str.h"
#include "proto/msg/order.h"
#include "proto/wire/limits.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/supervisor/box_said.h"
#include "sidecar/supervisor/config.h"
#include "sidecar/supervisor/hold.h"

/*
 * What launchers of this host can give: doctor starts one for each seccomp
 * profile, as the supervisor does, lets it try its boxes with the canary, and
 * ends it. As root they get the user and the capabilities that the service
 * gives them; else they are what the caller is. Users, uids, level, control
 * groups and broker are those of tipstaff.yaml if there is one.
 */
#define DOCTOR_TEXT 96

struct doctor_report {
    struct box_said box[BOXES_SAID_MAX];
    uint32_t box_count;
    uint32_t launchers;
    bool is_whole;                 /* every launcher got ready */
    char trouble[HOLD_TEXT];       /* if not: which did not, and why */
    char unserved[4096];           /* tools of the configuration, a line each */
    char user[DOCTOR_TEXT];        /* that the launchers ran as */
    uint32_t uid_first, uid_count; /* of tools of the service; count 0: none */
    char uids[HOLD_TEXT]; /* why others were tried; "" if they were not */
    uint64_t took_us;
};

/* What they are started for. */
struct doctor_service {
    const struct config *config; /* tipstaff.yaml; NULL: none was given, and
                                    they get all that the host has */
    enum box_level most;         /* instead of its level; BOX_ANY: as it says */
    int bundle_fd;               /* its files; -1: none */
    uint32_t launchers;          /* one for each profile */
    bool verbose; /* the launchers' own log goes to standard error */
};
void doctor_boxes(const struct doctor_service *d, struct doctor_report *ret);

/* tipstaff.yaml of the directory, as the service would read it if this process
 * were it. False: text (CONTROL_TEXT_MAX bytes) says why. config_done() it. */
TS_NODISCARD bool doctor_config(int dir, struct config *ret, char *text);
/* What its manifests may have. */
struct manifest_facts doctor_facts(const struct config *c, enum box_level most,
                                   uint32_t launchers);

/* What to do to have a layer; static text. */
const char *doctor_remedy(uint32_t layer);

#endif
