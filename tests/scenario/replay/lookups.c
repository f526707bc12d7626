/*
 * The product's own look-ups behind lines of JSON, for lookups.py. Reads
 *
 *   {"prompt": TEXT}                a new task, with the user's words
 *   {"user": TEXT}                  who the user is
 *   {"call": TOOL, "said": [TEXT], "output": TEXT, "failed": BOOL,
 *    "json": BOOL, "is_trusted": BOOL, "untrusted": [PATTERN], "trusted": ..,
 *    "ids": .., "vouches": .., "selectors": {FORM: [PATTERN]}}
 *   {"find": TEXT, "kind": NUMBER}  enum prov_kind
 *   {"links": TEXT}
 *
 * from standard input, and answers each "find" with {"source", "places",
 * "more"}, each "links" with [[SHAPE, TEXT]].
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/replay/lines.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/forms.h"
#include "sidecar/gate/provenance/shapes.h"
#include "sidecar/gate/provenance/task.h"

#define ARENA_MAX ((size_t)16 << 20)

struct driver {
    struct prov_tasks *tasks;
    struct prov_task *task;
    uint64_t made;
    struct ts_arena arena;
};

static struct ts_str text_of(json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);

    TS_REQUIRE(json_is_string(v));
    return (struct ts_str){json_string_value(v), json_string_length(v)};
}

static void new_task(struct driver *d, json_t *o)
{
    uint8_t grant[16] = {1};
    const struct prov_grant g = {.tenant = TS_STR_LIT("t"),
                                 .grant_id = grant,
                                 .issued_s = 10,
                                 .expires_s = 10 + d->made};
    struct ts_str prompt = text_of(o, "prompt");

    memcpy(grant + 1, &d->made, sizeof(d->made));
    prov_task_close(d->task);
    /* the clock goes on, so that tasks of the past are forgotten */
    TS_REQUIRE(prov_tasks_open(d->tasks, &g, 10 + d->made, 0, &d->task) ==
               TS_OK);
    d->made++;
    TS_REQUIRE(prompt.len == 0 || prov_task_prompt(d->task, prompt) == TS_OK);
}

static struct prov_patterns patterns(struct driver *d, json_t *list)
{
    struct ts_str *texts;
    size_t i;
    json_t *v;
    void *p;

    TS_REQUIRE(ts_arena_array(&d->arena, json_array_size(list) + 1,
                              sizeof(*texts), &p) == TS_OK);
    texts = p;
    json_array_foreach(list, i, v) texts[i] =
        (struct ts_str){json_string_value(v), json_string_length(v)};
    return (struct prov_patterns){texts, (uint32_t)json_array_size(list)};
}

static ts_err say(void *ctx, ts_err (*sink)(void *to, struct ts_str text),
                  void *to)
{
    ts_err e = TS_OK;
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)ctx, i, v) if (e == TS_OK) e =
        sink(to, (struct ts_str){json_string_value(v), json_string_length(v)});
    return e;
}

static void make_call(struct driver *d, json_t *o)
{
    static const char *const forms[PROV_FORMS] = {"name", "email", "account",
                                                  "number", "date"};
    const struct prov_saying saying = {json_object_get(o, "said"), say};
    struct prov_output_rules r = {
        .is_json = json_is_true(json_object_get(o, "json")),
        .is_trusted = json_is_true(json_object_get(o, "is_trusted")),
        .untrusted = patterns(d, json_object_get(o, "untrusted")),
        .trusted = patterns(d, json_object_get(o, "trusted")),
        .ids = patterns(d, json_object_get(o, "ids")),
        .vouches = patterns(d, json_object_get(o, "vouches"))};
    json_t *chosen = json_object_get(o, "selectors");
    struct prov_output out = {.call = prov_task_began(d->task),
                              .tool = text_of(o, "call"),
                              .rules = &r,
                              .bytes = text_of(o, "output"),
                              .is_whole = true,
                              .failed =
                                  json_is_true(json_object_get(o, "failed"))};

    for (size_t f = 0; f < PROV_FORMS; f++)
        r.selectors[f] = patterns(d, json_object_get(chosen, forms[f]));
    if (prov_rules_heed_arguments(&r)) /* as the gate does */
        out.said = prov_task_says(d->task, &saying);
    prov_task_shows(d->task, &r);
    (void)prov_task_output(d->task, &out);
}

static void find(struct driver *d, json_t *o)
{
    struct prov_seen seen;
    json_t *places = json_array(), *answer;

    prov_task_asks(d->task);
    prov_task_find(
        d->task, (enum prov_kind)json_integer_value(json_object_get(o, "kind")),
        text_of(o, "find"), &seen);
    for (uint32_t i = 0; i < seen.count; i++)
        TS_REQUIRE(json_array_append_new(
                       places, json_stringn(seen.places[i].ptr,
                                            seen.places[i].len)) == 0);
    answer =
        json_pack("{s:s, s:o, s:b}", "source", prov_source_name(seen.source),
                  "places", places, "more", seen.more ? 1 : 0);
    TS_REQUIRE(answer != NULL &&
               json_dumpf(answer, stdout, JSON_COMPACT) == 0 &&
               putchar('\n') != EOF);
    json_decref(answer);
}

static bool on_shape(void *ctx, enum shape s, struct ts_str text)
{
    TS_REQUIRE(!shape_is_link(s) ||
               json_array_append_new(ctx, json_pack("[s, s%]", shape_name(s),
                                                    text.ptr, text.len)) == 0);
    return true;
}

/* Whoever asks waits for it. */
static void tell_links(json_t *o)
{
    json_t *list = json_array();

    (void)shapes_in(text_of(o, "links"), on_shape, list);
    TS_REQUIRE(json_dumpf(list, stdout, JSON_COMPACT) == 0 &&
               putchar('\n') != EOF && fflush(stdout) == 0);
    json_decref(list);
}

static bool on_line(void *ctx, json_t *o, const char *path, size_t line)
{
    struct driver *d = ctx;

    (void)path;
    (void)line;
    ts_arena_reset(&d->arena);
    if (json_object_get(o, "prompt") != NULL)
        new_task(d, o);
    else if (json_object_get(o, "user") != NULL)
        TS_REQUIRE(prov_task_identity(d->task, text_of(o, "user")) == TS_OK);
    else if (json_object_get(o, "call") != NULL)
        make_call(d, o);
    else if (json_object_get(o, "links") != NULL)
        tell_links(o);
    else
        find(d, o);
    return true;
}

int main(void)
{
    struct driver d = {.task = NULL};
    bool ok;

    ts_arena_init(&d.arena, ARENA_MAX);
    TS_REQUIRE(prov_tasks_new(PROV_STORE_BYTES, &d.tasks) == TS_OK);
    ok = lines_of(dup(STDIN_FILENO), false, "standard input", on_line, &d);
    prov_task_close(d.task);
    prov_tasks_free(d.tasks);
    ts_arena_done(&d.arena);
    return ok && fflush(stdout) == 0 ? 0 : 1;
}
