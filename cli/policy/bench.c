/* tipstaff policy bench: how fast these policies decide, here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/policy/answer.h"
#include "cli/policy/policy.h"
#include "cli/policy/report.h"
#include "cli/policy/request.h"

#define SAMPLES     1000000u /* times that are kept; then they are replaced */
#define SECONDS_MAX 3600u
#define WARM_UP_NS  100000000u

struct bench {
    struct pol_options o;
    struct pol_request_options r;
    const char *requests;
    uint64_t seconds;
    bool json;
};

struct figures {
    double load_ms, p50_ns, p90_ns, p99_ns, max_ns, per_second;
    uint64_t decisions, allowed;
    size_t policies, requests;
    long rss_kib;
};

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

struct loop {
    const struct pol_inputs *in;
    const struct pol_request_list *requests;
    struct ts_arena arena; /* of one decision */
    uint32_t *ns;
    uint64_t rounds, allowed;
};

/* One decision after the other until the time is up; false when one failed. */
static bool turn(struct loop *l, uint64_t until)
{
    size_t at = 0;
    uint64_t t = now_ns();

    while (t < until) {
        const struct pol_request *r = &l->requests->list[at];
        struct cedar_answer a;
        uint64_t after;
        ts_err e;

        ts_arena_reset(&l->arena);
        t = now_ns();
        e = cedar_authorize(l->in->policies.compiled,
                            pol_request_entities(l->in, r), &r->req, &l->arena,
                            &a);
        after = now_ns();
        if (e != TS_OK) {
            cli_error("request %zu: no decision: %s", at + 1, ts_err_text(e));
            return false;
        }
        l->ns[l->rounds++ % SAMPLES] =
            after - t < UINT32_MAX ? (uint32_t)(after - t) : UINT32_MAX;
        l->allowed += a.decision == CEDAR_ALLOW ? 1 : 0;
        t = after;
        at = at + 1 < l->requests->count ? at + 1 : 0;
    }
    return true;
}

static void summarise(struct loop *l, double seconds, struct figures *f)
{
    size_t n = l->rounds < SAMPLES ? (size_t)l->rounds : SAMPLES;

    qsort(l->ns, n, sizeof(*l->ns), by_size);
    f->decisions = l->rounds;
    f->allowed = l->allowed;
    f->p50_ns = l->ns[n / 2];
    f->p90_ns = l->ns[n * 90 / 100];
    f->p99_ns = l->ns[n * 99 / 100];
    f->max_ns = l->ns[n - 1];
    f->per_second = (double)l->rounds / seconds;
}

static bool measure(struct pol_inputs *in, const struct pol_request_list *list,
                    uint64_t seconds, struct figures *f)
{
    struct loop l = {.in = in, .requests = list};
    uint64_t start;
    void *mem;
    bool ok;

    if (ts_arena_array(&in->arena, SAMPLES, sizeof(*l.ns), &mem) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    l.ns = mem;
    ts_arena_init(&l.arena, POL_ANSWER_ARENA);
    ok = turn(&l, now_ns() + WARM_UP_NS);
    l.rounds = l.allowed = 0;
    start = now_ns();
    ok = ok && turn(&l, start + seconds * 1000000000u) && l.rounds > 0;
    if (ok)
        summarise(&l, (double)(now_ns() - start) / 1e9, f);
    ts_arena_done(&l.arena);
    return ok;
}

static void print_text(const struct figures *f)
{
    (void)printf("%-12s %zu\n", "policies", f->policies);
    (void)printf("%-12s %zu\n", "requests", f->requests);
    (void)printf("%-12s %.1f ms (policies, schema, entities)\n", "load",
                 f->load_ms);
    (void)printf("%-12s %llu, %.1f %% of them allow\n", "decisions",
                 (unsigned long long)f->decisions,
                 100.0 * (double)f->allowed / (double)f->decisions);
    (void)printf("%-12s p50 %.0f ns, p90 %.0f ns, p99 %.0f ns, max %.0f ns\n",
                 "one decision", f->p50_ns, f->p90_ns, f->p99_ns, f->max_ns);
    (void)printf("%-12s %.0f decisions a second on one processor\n",
                 "throughput", f->per_second);
    (void)printf("%-12s %.1f MiB at most\n", "memory",
                 (double)f->rss_kib / 1024.0);
}

static void print_json(const struct figures *f)
{
    struct json_out j;

    json_out_init(&j, stdout);
    json_out_object(&j, NULL);
    json_out_int(&j, "policies", (int64_t)f->policies);
    json_out_int(&j, "requests", (int64_t)f->requests);
    json_out_decimal(&j, "load_ms", f->load_ms);
    json_out_int(&j, "decisions", (int64_t)f->decisions);
    json_out_int(&j, "allowed", (int64_t)f->allowed);
    json_out_int(&j, "p50_ns", (int64_t)f->p50_ns);
    json_out_int(&j, "p90_ns", (int64_t)f->p90_ns);
    json_out_int(&j, "p99_ns", (int64_t)f->p99_ns);
    json_out_int(&j, "max_ns", (int64_t)f->max_ns);
    json_out_decimal(&j, "decisions_per_second", f->per_second);
    json_out_int(&j, "max_rss_kib", f->rss_kib);
    json_out_end(&j);
}

static bool load_requests(struct bench *b, struct pol_inputs *in,
                          struct pol_request_list *ret)
{
    struct pol_request *one;
    void *mem;

    if (b->requests != NULL)
        return pol_requests_read(in, b->requests, true, ret);
    if (ts_arena_alloc(&in->arena, sizeof(*one), &mem) != TS_OK)
        return false;
    one = mem;
    if (!pol_request_read(in, &b->r, one))
        return false;
    *ret = (struct pol_request_list){.list = one, .count = 1};
    return true;
}

static int bench(struct bench *b)
{
    struct pol_request_list list = {0};
    struct figures f = {0};
    struct pol_inputs in;
    struct rusage use;
    uint64_t start = now_ns();
    bool ok = pol_inputs_init(&in) && pol_load(&in, &b->o);

    f.load_ms = (double)(now_ns() - start) / 1e6;
    (void)getrusage(RUSAGE_SELF, &use);
    f.rss_kib = use.ru_maxrss;
    ok = ok && load_requests(b, &in, &list) &&
         measure(&in, &list, b->seconds, &f);
    if (ok) {
        f.policies = cedar_policies_count(in.policies.compiled);
        f.requests = list.count;
        if (b->json)
            print_json(&f);
        else
            print_text(&f);
    }
    pol_requests_done(&list);
    pol_inputs_done(&in);
    return ok ? CLI_OK : CLI_FAILED;
}

int cmd_policy_bench(int argc, char **argv)
{
    struct bench b = {.seconds = 3};
    const struct cli_option options[] = {
        {"--requests", "FILE", "requests as JSON lines or a JSON array",
         CLI_TEXT, &b.requests, false},
        {"--seconds", "N", "how long to measure (3)", CLI_SECONDS, &b.seconds,
         false},
        POL_OPT_POLICIES(&b.o),
        POL_OPT_SCHEMA(&b.o),
        POL_OPT_ENTITIES(&b.o),
        POL_OPT_REQUEST(&b.r),
        {"--json", NULL, "one JSON document instead of text", CLI_FLAG, &b.json,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff policy bench",
        .operands = "",
        .about = "Decides the requests over and over, one after the other, and "
                 "prints how long one takes,\nhow many go through in a second, "
                 "how long loading took and how much memory.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff policy bench -p policies/ --entities e.json "
                    "--requests requests.jsonl --seconds 10\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (b.seconds == 0 || b.seconds > SECONDS_MAX) {
        cli_error("--seconds is 1 to %u", SECONDS_MAX);
        return CLI_USAGE;
    }
    if (b.requests != NULL &&
        (b.r.json != NULL || b.r.principal != NULL || b.r.action != NULL ||
         b.r.resource != NULL || b.r.context != NULL)) {
        cli_error("--requests holds the requests: leave out the options that "
                  "say another one");
        return CLI_USAGE;
    }
    return bench(&b);
}
