/*
 * A task that was given hostile JSON: by its handles each leaf is untrusted
 * unless the manifest trusts its place or it is of the form that the manifest
 * gives it, a list or object is as bad as the worst below it, and nothing is
 * found among trusted values that stands in no trusted leaf.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/leaves.h"
#include "sidecar/gate/provenance/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECKED_MAX 100 /* leaves of one input: look-ups are not free */

struct given {
    struct prov_task *task;
    const struct prov_output_rules *rules;
    uint32_t call, count;
    bool any_trusted;
};

static bool is_trusted(const struct given *g, const struct leaf *l)
{
    return leaf_pattern_covers(g->rules->trusted.list[0], l->pointer) ||
           (l->type != LEAF_BOOL && l->type != LEAF_NULL &&
            form_is(FORM_EMAIL, l->text)) ||
           (l->type != LEAF_BOOL && l->type != LEAF_NULL &&
            leaf_pattern_covers(g->rules->selectors[FORM_DATE].list[0],
                                l->pointer) &&
            form_is(FORM_DATE, l->text));
}

static ts_err note(void *ctx, const struct leaf *l)
{
    struct given *g = ctx;

    g->any_trusted = g->any_trusted || is_trusted(g, l);
    return TS_OK;
}

static ts_err check(void *ctx, const struct leaf *l)
{
    struct given *g = ctx;
    struct prov_handle h;
    struct prov_seen s;
    ts_err e;

    if (l->type == LEAF_KEY || ++g->count > CHECKED_MAX)
        return TS_OK;
    e = prov_task_handle(g->task, g->call, l->pointer, &h);
    TS_REQUIRE(e == TS_OK || e == TS_E_EXISTS);
    if (e == TS_OK)
        TS_REQUIRE(h.seen.source ==
                   (is_trusted(g, l) ? PROV_TRUSTED : PROV_UNTRUSTED));
    prov_task_find(g->task, PROV_TEXT, l->text, &s);
    TS_REQUIRE(s.source != PROV_PROMPT);
    TS_REQUIRE(s.source != PROV_TRUSTED || g->any_trusted);
    return TS_OK;
}

static void give(struct given *g, struct ts_str json)
{
    const struct prov_output o = {.call = g->call,
                                  .tool = TS_STR_LIT("t"),
                                  .rules = g->rules,
                                  .bytes = json,
                                  .is_whole = true};
    struct prov_handle h;

    prov_task_shows(g->task, g->rules);
    if (prov_task_output(g->task, &o) != PROV_OUTPUT_LEAVES) {
        TS_REQUIRE(prov_task_handle(g->task, g->call, TS_STR_LIT(""), &h) !=
                   TS_OK);
        return;
    }
    TS_REQUIRE(leaves_walk(json, note, g) == TS_OK);
    TS_REQUIRE(leaves_walk(json, check, g) == TS_OK);
    if (!g->any_trusted &&
        prov_task_handle(g->task, g->call, TS_STR_LIT(""), &h) == TS_OK)
        TS_REQUIRE(h.seen.source != PROV_TRUSTED);
    TS_REQUIRE(prov_task_taint(g->task).untrusted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct ts_str ids[] = {TS_STR_LIT("/*/id")};
    const struct ts_str all[] = {TS_STR_LIT("")};
    const struct ts_str on[] = {TS_STR_LIT("/*/on")};
    const struct prov_output_rules rules = {
        .is_json = true,
        .trusted = {.list = ids, .count = 1},
        .selectors = {[FORM_EMAIL] = {.list = all, .count = 1},
                      [FORM_DATE] = {.list = on, .count = 1}}};
    const struct prov_grant grant = {.tenant = TS_STR_LIT("t"),
                                     .grant_id =
                                         (const uint8_t *)"0123456789abcdef",
                                     .issued_s = 10,
                                     .expires_s = 20};
    struct given g = {.rules = &rules};
    struct prov_tasks *tasks;

    if (prov_tasks_new(PROV_STORE_BYTES, &tasks) != TS_OK)
        return 0;
    if (prov_tasks_open(tasks, &grant, 11, 1, &g.task) == TS_OK) {
        g.call = prov_task_began(g.task);
        if (len <= 65536)
            give(&g, (struct ts_str){.ptr = (const char *)data, .len = len});
        prov_task_close(g.task);
    }
    prov_tasks_free(tasks);
    return 0;
}
