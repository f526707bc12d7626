/*
 * A task that was given hostile JSON, in two calls.
 *
 * The first line of the input is what the second call was told: its arguments,
 * with TABs between; the rest is what both printed. Of the first, which was
 * told nothing: by its handles each leaf is untrusted unless the manifest
 * trusts its place or it is of the form that the manifest gives it, and a list
 * or object is as bad as the worst below it. Of a task that saw the second
 * alone: no value is found as its tool's word that an argument equals or has in
 * it, nor one with a link that does, whatever a scan of all arguments says; and
 * what shares no byte with them is the tool's word. Nothing is found among
 * trusted values that stands in no trusted leaf.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/canon.h"
#include "sidecar/gate/provenance/leaves.h"
#include "sidecar/gate/provenance/shapes.h"
#include "sidecar/gate/provenance/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECKED_MAX 100 /* leaves of one input: look-ups are not free */
#define ARGS_MAX    16
#define SHORT_MAX   300 /* bytes of a value without too many links */

struct args {
    struct ts_str list[ARGS_MAX];
    size_t count;
};

struct given {
    struct prov_task *task;
    const struct prov_output_rules *rules;
    const struct args *args; /* NULL: it was told nothing */
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

/* ---- what was said ------------------------------------------------------- */

static ts_err walk(void *ctx, ts_err (*sink)(void *to, struct ts_str text),
                   void *to)
{
    const struct args *a = ctx;
    ts_err e = TS_OK;

    for (size_t i = 0; e == TS_OK && i < a->count; i++)
        e = sink(to, a->list[i]);
    return e;
}

static void canonical(struct ts_str s, struct ts_buf *b)
{
    ts_buf_init(b, 1u << 20);
    TS_REQUIRE(canon_text(s, b) == TS_OK);
}

static bool has_word(const struct ts_buf *b)
{
    const char *p = (const char *)ts_buf_bytes(b);

    for (size_t i = 0; i < b->len; i++)
        if (canon_is_alnum(p[i]))
            return true;
    return false;
}

/* Does the canonical value stand in an argument, as whole words? A number is
 * only looked for as the whole. */
static bool stands_in(struct ts_str value, struct ts_str arg)
{
    struct canon_number n;
    struct ts_buf v, a;
    bool found = false, whole = canon_number(value, &n);

    canonical(value, &v);
    canonical(arg, &a);
    whole = whole && v.len != a.len;
    for (size_t i = 0; has_word(&v) && !whole && i + v.len <= a.len && !found;
         i++) {
        const char *p = (const char *)ts_buf_bytes(&a);

        found = memcmp(p + i, ts_buf_bytes(&v), v.len) == 0 &&
                (i == 0 || !canon_is_alnum(p[i - 1])) &&
                (i + v.len == a.len || !canon_is_alnum(p[i + v.len]));
    }
    ts_buf_done(&v);
    ts_buf_done(&a);
    return found;
}

/* Has no argument a letter, digit or other character of it? */
static bool is_strange(const struct args *args, struct ts_str value)
{
    bool used[256] = {false}, strange;
    struct ts_buf b;

    for (size_t i = 0; i < args->count; i++) {
        canonical(args->list[i], &b);
        for (size_t k = 0; k < b.len; k++)
            used[ts_buf_bytes(&b)[k]] = true;
        ts_buf_done(&b);
    }
    canonical(value, &b);
    strange = has_word(&b) && value.len <= SHORT_MAX;
    for (size_t k = 0; k < b.len; k++)
        strange = strange && !used[ts_buf_bytes(&b)[k]];
    ts_buf_done(&b);
    return strange;
}

struct repeats {
    const struct args *args;
    bool any;
};

static bool said_link(void *ctx, enum shape s, struct ts_str text)
{
    struct repeats *r = ctx;

    for (size_t i = 0; shape_is_link(s) && i < r->args->count; i++)
        r->any = r->any || stands_in(text, r->args->list[i]);
    return !r->any;
}

/* Less than what counts as repeated: numbers only in the same spelling. */
static bool is_said(const struct args *a, struct ts_str value)
{
    struct repeats r = {.args = a};

    for (size_t i = 0; i < a->count; i++)
        if (stands_in(value, a->list[i]))
            return true;
    (void)shapes_in(value, said_link, &r);
    return r.any;
}

/* ---- what was given ------------------------------------------------------ */

static ts_err check(void *ctx, const struct leaf *l)
{
    struct given *g = ctx;
    const bool is_told = g->args != NULL && l->type == LEAF_STRING;
    struct prov_handle h;
    struct prov_seen s;
    ts_err e;

    if (l->type == LEAF_KEY || ++g->count > CHECKED_MAX)
        return TS_OK;
    prov_task_find(g->task, PROV_TEXT, l->text, &s);
    TS_REQUIRE(s.source != PROV_PROMPT);
    TS_REQUIRE(s.source != PROV_TRUSTED || g->any_trusted);
    if (is_told && is_said(g->args, l->text))
        TS_REQUIRE(s.source != PROV_TRUSTED);
    e = prov_task_handle(g->task, g->call, l->pointer, &h);
    TS_REQUIRE(e == TS_OK || e == TS_E_EXISTS);
    if (e != TS_OK)
        return TS_OK;
    if (g->args == NULL)
        TS_REQUIRE(h.seen.source ==
                   (is_trusted(g, l) ? PROV_TRUSTED : PROV_UNTRUSTED));
    else
        TS_REQUIRE(is_trusted(g, l) || h.seen.source == PROV_UNTRUSTED);
    if (is_told && is_said(g->args, l->text))
        TS_REQUIRE(h.seen.source != PROV_TRUSTED);
    if (is_told && is_trusted(g, l) && is_strange(g->args, l->text))
        TS_REQUIRE(h.seen.source == PROV_TRUSTED);
    return TS_OK;
}

static void give(struct given *g, uint32_t said, struct ts_str json)
{
    const struct prov_output o = {.call = g->call,
                                  .tool = TS_STR_LIT("t"),
                                  .rules = g->rules,
                                  .said = said,
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

static struct ts_str first_line(struct ts_str *rest, struct args *ret)
{
    const char *end = memchr(rest->ptr, '\n', rest->len);
    struct ts_str line = {.ptr = rest->ptr};

    ret->count = 0;
    if (end == NULL)
        return line;
    line.len = (size_t)(end - rest->ptr);
    rest->ptr = end + 1;
    rest->len -= line.len + 1;
    for (size_t i = 0, from = 0; i <= line.len; i++)
        if ((i == line.len || line.ptr[i] == '\t') && ret->count < ARGS_MAX) {
            ret->list[ret->count++] =
                (struct ts_str){.ptr = line.ptr + from, .len = i - from};
            from = i + 1;
        }
    return line;
}

static void one_task(const struct prov_output_rules *rules,
                     const struct args *args, struct ts_str json)
{
    const struct prov_grant grant = {.tenant = TS_STR_LIT("t"),
                                     .grant_id =
                                         (const uint8_t *)"0123456789abcdef",
                                     .issued_s = 10,
                                     .expires_s = 20};
    struct args copy = args != NULL ? *args : (struct args){.count = 0};
    const struct prov_saying saying = {.ctx = &copy, .walk = walk};
    struct given g = {.rules = rules, .args = args};
    struct prov_tasks *tasks;
    uint32_t said = 0;

    if (prov_tasks_new(PROV_STORE_BYTES, &tasks) != TS_OK)
        return;
    if (prov_tasks_open(tasks, &grant, 11, 1, &g.task) == TS_OK) {
        g.call = prov_task_began(g.task);
        if (args != NULL) {
            said = prov_task_says(g.task, &saying);
            TS_REQUIRE(said == prov_task_says(g.task, &saying));
        }
        if (said != PROV_SAID_LOST)
            give(&g, said, json);
        prov_task_close(g.task);
    }
    prov_tasks_free(tasks);
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
    struct ts_str json = {.ptr = (const char *)data, .len = len};
    struct args args;
    struct ts_str line;

    if (len > 65536)
        return 0;
    line = first_line(&json, &args);
    one_task(&rules, NULL, json);
    if (ts_utf8_valid(line.ptr, line.len))
        one_task(&rules, &args, json);
    return 0;
}
