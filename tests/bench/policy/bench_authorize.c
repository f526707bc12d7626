/*
 * Time of one cedar_authorize() at 1 to 10,000 policies, for a request like the
 * gate's: an overlay resource with derived parents and a context of 16 fields.
 *
 *   bench_authorize [ROUNDS]
 *
 * Prints p50 and p99 of batches of 64 decisions, in ns per decision, with the
 * index and by full scan. A measurement, not a test: it fails only if the two
 * ways disagree.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/cedar.h"
#include "policy/eval/eval_priv.h"
#include "proto/base/ts_mem.h"

#define BATCH  64
#define FIELDS 16

static int64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static unsigned parse_rounds(const char *s)
{
    unsigned n = 0;

    for (; *s >= '0' && *s <= '9' && n < 100000; s++)
        n = n * 10 + (unsigned)(*s - '0');
    return n;
}

static int order(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* One policy in four is a forbid; groups, directories and actions vary. */
static size_t write_policies(char *out, size_t cap, unsigned n)
{
    size_t at = 0;

    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(
            out + at, cap - at,
            "@id(\"p%u\") %s(principal in Group::\"g%u\", action in "
            "[Action::\"read\", Action::\"a%u\"], resource in Dir::\"/d%u\") "
            "when { context.rate < 100 && context.labels.contains(\"l%u\") "
            "&& context.tool like \"t*%u\" };\n",
            i, i % 4 == 3 ? "forbid" : "permit", i % (n < 20 ? 2 : n / 10),
            i % 17, i % (n < 20 ? 3 : n / 5), i % 5, i % 3);
    return at;
}

static const char entities[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"u\"},\"attrs\":{},\"parents\":[{"
    "\"type\":\"Group\",\"id\":\"g0\"},{\"type\":\"Group\",\"id\":\"g1\"}]}]";

static struct cedar_uid dirs[3];
static struct cedar_overlay overlay;

static void make_request(struct ts_arena *arena, struct cedar_request *req)
{
    static char names[FIELDS][16];
    struct cedar_value labels[3] = {cedar_string(TS_STR_LIT("l0")),
                                    cedar_string(TS_STR_LIT("l1")),
                                    cedar_string(TS_STR_LIT("l7"))};
    struct cedar_field f[FIELDS] = {0};
    ts_err e;

    dirs[0] = cedar_uid_make(TS_STR_LIT("Dir"), TS_STR_LIT("/"));
    dirs[1] = cedar_uid_make(TS_STR_LIT("Dir"), TS_STR_LIT("/d1"));
    dirs[2] = cedar_uid_make(TS_STR_LIT("Dir"), TS_STR_LIT("/d1/x"));
    overlay.uid = cedar_uid_make(TS_STR_LIT("File"), TS_STR_LIT("/d1/x/y"));
    overlay.ancestors = dirs;
    overlay.ancestor_count = 3;
    for (unsigned i = 0; i < FIELDS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "field%u", i);
        f[i] = (struct cedar_field){ts_str_of(names[i]), cedar_long(i)};
    }
    f[0] = (struct cedar_field){TS_STR_LIT("rate"), cedar_long(3)};
    f[1] = (struct cedar_field){TS_STR_LIT("tool"),
                                cedar_string(TS_STR_LIT("tool-1"))};
    f[2].key = TS_STR_LIT("labels");
    e = cedar_set_make(arena, labels, 3, &f[2].value);
    if (e == TS_OK)
        e = cedar_record_make(arena, f, FIELDS, &req->context);
    if (e != TS_OK)
        abort();
    req->principal = cedar_uid_make(TS_STR_LIT("User"), TS_STR_LIT("u"));
    req->action = cedar_uid_make(TS_STR_LIT("Action"), TS_STR_LIT("read"));
    req->resource = overlay.uid;
    req->overlay = &overlay;
    req->overlay_count = 1;
}

static uint32_t measure(const struct cedar_policies *p,
                        const struct cedar_entities *e,
                        const struct cedar_request *req, bool index,
                        unsigned rounds)
{
    static int64_t t[4096];
    struct cedar_answer a = {0};

    for (unsigned r = 0; r < rounds; r++) {
        struct ts_arena arena;
        int64_t start;

        ts_arena_init(&arena, 4 << 20);
        start = now_ns();
        for (unsigned i = 0; i < BATCH; i++)
            if (ev_authorize(p, e, req, &arena, index, &a) != TS_OK)
                abort();
        t[r] = (now_ns() - start) / BATCH;
        ts_arena_done(&arena);
    }
    qsort(t, rounds, sizeof(t[0]), order);
    (void)printf("  %-5s p50 %7" PRId64 " ns   p99 %7" PRId64
                 " ns   reasons %u\n",
                 index ? "index" : "scan", t[rounds / 2],
                 t[rounds - 1 - rounds / 100], a.reason_count);
    return a.reason_count;
}

int main(int argc, char **argv)
{
    static const unsigned sizes[] = {1, 10, 20, 100, 1000, 10000};
    unsigned rounds = argc > 1 ? parse_rounds(argv[1]) : 500;
    size_t cap = (size_t)4 << 20;
    char *text = ts_mem_alloc(cap);
    struct cedar_source es = {.name = "e", .text = ts_str_of(entities)};
    struct cedar_entities *e = NULL;
    struct cedar_request req = {0};
    struct ts_arena arena;
    int bad = 0;

    ts_arena_init(&arena, 1 << 16);
    make_request(&arena, &req);
    if (text == NULL || rounds == 0 || rounds > 4096 ||
        cedar_entities_parse(&es, 1, &e, NULL) != TS_OK)
        return 2;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct cedar_source ps = {.name = "p"};
        struct cedar_policies *p = NULL;
        int64_t start;

        ps.text = (struct ts_str){text, write_policies(text, cap, sizes[i])};
        start = now_ns();
        if (cedar_policies_parse(&ps, 1, &cedar_options_default, &p, NULL) !=
            TS_OK)
            return 2;
        (void)printf("%u policies (loaded in %" PRId64 " us)\n", sizes[i],
                     (now_ns() - start) / 1000);
        bad += measure(p, e, &req, true, rounds) !=
               measure(p, e, &req, false, sizes[i] > 1000 ? 20 : rounds);
        cedar_policies_free(p);
    }
    cedar_entities_free(e);
    ts_arena_done(&arena);
    ts_mem_free(text);
    return bad != 0;
}
