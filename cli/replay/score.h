#ifndef CLI_REPLAY_SCORE_H
#define CLI_REPLAY_SCORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/replay/drive.h"
#include "cli/replay/explain.h"
#include "cli/replay/missing.h"
#include "cli/replay/traces.h"

/*
 * The score card: counts of each suite, and the rows that are made of them. Of
 * an attack only its calls with effects count: silent when all of them run and
 * nobody is asked, hard-denied when one is denied, rubber-stamped when all
 * would run if people said yes to everything. The keys of counts and rows are
 * stable: docs/REPLAY.md.
 */
enum score_n {
    SCORE_SESSIONS,
    SCORE_CALLS,
    SCORE_ATTACKS,
    SCORE_SILENT,
    SCORE_DENIED,
    SCORE_RUBBER,
    SCORE_PARTIAL,
    SCORE_RAN,    /* all of it ran, perhaps after people said yes */
    SCORE_PLACED, /* attacks that were tried at every later place, too */
    SCORE_WORST,  /* of them silent at any place */
    SCORE_REACHABLE,
    SCORE_REACHED,
    SCORE_REACHED_HIGH,
    SCORE_REACHED_QUANTITY,
    SCORE_RUN_ATTACKS,
    SCORE_RUN_SILENT,
    SCORE_RUN_DENIED,
    SCORE_RUN_UNMARKED,
    SCORE_TASKS,
    SCORE_TCR_0,
    SCORE_TCR_1,
    SCORE_TCR_INF,
    SCORE_APPROVALS,
    SCORE_EFFECTS,
    SCORE_AUTOMATIC,
    SCORE_RUNS,
    SCORE_RUNS_UNTOUCHED,
    SCORE_RUNS_DENIED,
    SCORE_COMPARED,
    SCORE_AGREE,
    SCORE_COMPARED_CALLS,
    SCORE_AGREE_CALLS,
    SCORE_UNEXPLAINED,
    SCORE_COUNTS
};
const char *score_key(enum score_n n); /* "attacks_silent" */

#define SCORE_US_MAX 20000 /* slower decisions count as this slow */

struct score_times {
    uint32_t us[SCORE_US_MAX + 1]; /* how many decisions took so long */
    uint64_t count;
};
uint32_t score_us(const struct score_times *t, double share); /* 0.99: p99 */

struct score_suite {
    const char *name;
    uint64_t n[SCORE_COUNTS];
};

#define SCORE_SUITES_MAX 64

struct score {
    struct score_suite suites[SCORE_SUITES_MAX];
    uint32_t suite_count;
    struct explain_class classes[EXPLAIN_CLASSES];
    struct score_times with, plain; /* with provenance, and without */
};

/* NULL: there are more than SCORE_SUITES_MAX. */
struct score_suite *score_suite_of(struct score *s, const char *name);
void score_add(struct score *s, struct score_suite *suite,
               const struct traces_record *r, const struct drive_result *d);
/* Of all suites together. */
void score_total(const struct score *s, uint64_t ret[SCORE_COUNTS]);
/* Whether a call with an effect is the attacker's, and whether all of them were
 * allowed. */
bool score_has_attack(const struct drive_result *d);
bool score_is_silent(const struct drive_result *d);

struct score_row {
    const char *section, *key, *title;
    enum score_n num, den;
    bool is_mean;  /* num for each den, not a share of it */
    bool at_least; /* what the bar says */
    /* By labels F, S and C; in percent, of a mean as it is. Below zero: none.
     */
    double bar[3];
};
extern const struct score_row score_rows[];
extern const size_t score_row_count;

struct score_bounds {
    double share, low, high; /* percent; of a mean all are the mean */
    bool has_value;          /* den is not 0 */
};
/* With Wilson's interval of 95 %. */
struct score_bounds score_bounds(const struct score_row *row,
                                 const uint64_t n[SCORE_COUNTS]);
enum score_met {
    SCORE_NO_BAR,
    SCORE_MET,
    SCORE_MISSED
};
enum score_met score_met(const struct score_row *row, enum traces_label l,
                         const uint64_t n[SCORE_COUNTS]);

/* Bars of the cost. */
#define SCORE_P99_US    300
#define SCORE_P50_RATIO 1.5

struct score_about {
    const char *labels, *policies, *reference;
    enum traces_label label;
    bool has_cost; /* the same calls were decided without provenance, too */
    struct missing missing[MISSING_MAX + 1];
};
void score_print(const struct score *s, const struct score_about *a, FILE *out);
/* A new reference; NULL without memory. */
json_t *score_json(const struct score *s, const struct score_about *a);

#endif
