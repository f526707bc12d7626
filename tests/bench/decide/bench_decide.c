/*
 * ns per decide_call() over the starter configuration, warm, one root block:
 * the whole decision and its record, no sockets. The heap is counted too: a
 * decision must not touch it. Prints one JSON object.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fixture.h"
#include "proto/base/ts_mem.h"
#include "sidecar/gate/provenance/task.h"
#include "tests/lib/ts_test.h"

#define ROUNDS 41

static size_t heap_calls;

static void *counting_alloc(void *ctx, size_t n)
{
    (void)ctx;
    heap_calls++;
    return calloc(1, n);
}

static void counting_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static struct fixture fix;
static uint8_t record[TS_RECORD_MAX];

struct scenario {
    const char *name, *tool, *args;
    const struct fix_grant *grant;
    bool is_full; /* the task has seen all that fits */
};

static struct prov_tasks *tasks;
static struct prov_task *full, *empty;

static void task_open(uint8_t which, struct prov_task **ret)
{
    const uint8_t id[16] = {which};
    const struct prov_grant g = {.tenant = TS_STR_LIT("acme"),
                                 .grant_id = id,
                                 .issued_s = 10,
                                 .expires_s = 100};

    if (prov_tasks_open(tasks, &g, 10, 10, ret) != TS_OK)
        exit(1);
}

/* Words that the arguments are made of, among many others, until no more of
 * them fit. */
static void tasks_make(void)
{
    static const struct prov_output_rules rules = {.level = PROV_PRIVATE};
    static char text[65536];
    struct prov_output o = {
        .tool = TS_STR_LIT("bench.seen"), .rules = &rules, .is_whole = true};

    if (prov_tasks_new(PROV_STORE_BYTES, &tasks) != TS_OK)
        exit(1);
    task_open(1, &full);
    task_open(2, &empty);
    for (uint32_t k = 0; k < 64; k++) {
        size_t n = 0;

        while (n < sizeof(text) - 64)
            n += (size_t)snprintf(text + n, sizeof(text) - n,
                                  "a b c txt fast hello notes w%x ",
                                  (unsigned)(n * 64 + k));
        o.bytes = (struct ts_str){.ptr = text, .len = n};
        o.call = prov_task_began(full);
        (void)prov_task_output(full, &o);
    }
}

/* A yardstick in the same run: other work on the machine slows both. */
static uint64_t hash_round(unsigned n)
{
    static uint8_t text[1024], digest[32];
    uint64_t start = now_ns();

    for (unsigned i = 0; i < n; i++)
        (void)crypto_generichash(digest, sizeof(digest), text, sizeof(text),
                                 NULL, 0);
    return (now_ns() - start) / n;
}

static void measure(const struct scenario *s, unsigned per_round, bool last)
{
    struct authority *a = fix_authority(&fix, s->grant);
    uint8_t args[512];
    struct call_input call = {
        .call_id = "call-id-16bytes",
        .tool = ts_str_of(s->tool),
        .args = {args, fix_args(s->args, args, sizeof(args))},
        .now = fix.now,
        .task = s->is_full ? full : empty,
        .already_denied = CODE_PERMITTED};
    struct decide_input in = {.snapshot = fix.snapshot,
                              .authority = a,
                              .call = &call,
                              .meters = fix.meters,
                              .order_id = 1,
                              .boot_id = 7};
    struct decision d;
    static uint64_t one[65536]; /* of single calls */
    uint64_t ns[ROUNDS], hash_ns[ROUNDS];
    size_t ones = 0;
    size_t len = 0, heap = 0;

    for (unsigned r = 0; r < ROUNDS; r++) {
        uint64_t start;

        if (r == 1)
            heap = heap_calls;
        start = now_ns();
        for (unsigned i = 0; i < per_round; i++) {
            ts_arena_reset(&fix.arena);
            call.seq++;
            call.now.boot_ns += 1000;
            one[ones % 65536] = now_ns();
            if (decide_call(&in, &fix.arena, record, sizeof(record), &len,
                            &d) != TS_OK)
                exit(1);
            one[ones % 65536] = now_ns() - one[ones % 65536];
            ones++;
        }
        ns[r] = (now_ns() - start) / per_round;
        hash_ns[r] = hash_round(per_round);
    }
    heap = heap_calls - heap;
    ones = ones < 65536 ? ones : 65536;
    qsort(one, ones, sizeof(one[0]), by_size);
    qsort(ns, ROUNDS, sizeof(ns[0]), by_size);
    qsort(hash_ns, ROUNDS, sizeof(ns[0]), by_size);
    (void)printf("  {\"name\": \"%s\", \"code\": \"%s\", \"ns_median\": %llu, "
                 "\"ns_min\": %llu, \"ns_p99\": %llu, "
                 "\"over_blake2b_1k\": %.2f, "
                 "\"record_bytes\": %zu, \"heap_calls\": %zu}%s\n",
                 s->name, call_code_name(d.code),
                 (unsigned long long)ns[ROUNDS / 2], (unsigned long long)ns[0],
                 (unsigned long long)one[ones * 99 / 100],
                 (double)ns[ROUNDS / 2] / (double)hash_ns[ROUNDS / 2], len,
                 heap, last ? "" : ",");
    authority_free(a);
}

int main(int argc, char **argv)
{
    static const struct ts_mem_ops ops = {counting_alloc, counting_free, NULL};
    static const struct fix_grant chain = {
        .tenant = "acme",
        .user = "alice",
        .agent = "coder",
        .task = "t1",
        .policy = "permit (principal, action, resource);",
        .issuer = KEY_ISSUER,
        .holder = KEY_CODER,
        .sub_agent = "coder/tester",
        .sub_holder = KEY_TESTER,
        .sub_policy = "permit (principal, action, resource);"};
    static const struct scenario list[] = {
        {"read, 1 block", "fs.read", "path=docs/notes.txt", &fix_alice, false},
        {"read, 2 blocks", "fs.read", "path=docs/notes.txt", &chain, false},
        {"six arguments, 1 block", "bench.six",
         "path=a/b/c.txt;mode=fast;count:=12;deep?=1;tags@=a,b;note=hello",
         &fix_alice, false},
        {"six arguments, full task", "bench.six",
         "path=a/b/c.txt;mode=fast;count:=12;deep?=1;tags@=a,b;note=hello",
         &fix_alice, true},
        {"read, full task", "fs.read", "path=docs/notes.txt", &fix_alice, true},
        {"secret, 1 block", "fs.read", "path=secret/code.txt", &fix_alice,
         false},
    };
    unsigned per_round =
        argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5000u;

    ts_mem_set_ops(&ops);
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    fix_edit(&fix, "tenants/acme/schema.cedarschema", "seconds?: Long,",
             "seconds?: Long, mode?: String, count?: Long, deep?: Bool, "
             "tags?: Set<String>, note?: String,");
    fix_edit(&fix, "tenants/acme/schema.cedarschema", "seconds?: Sources,",
             "seconds?: Sources, mode?: Sources, count?: Sources, "
             "deep?: Sources, tags?: Sources, note?: Sources,");
    fix_set(&fix, "tools/bench.six.yaml",
            "tool: bench.six\n"
            "exec: /usr/bin/cat\n"
            "argv: [\"cat\", \"--\", \"{path}\"]\n"
            "action: fs.read\n"
            "args:\n"
            "  path: {type: path, required: true}\n"
            "  mode: {type: string}\n"
            "  count: {type: int}\n"
            "  deep: {type: bool}\n"
            "  tags: {type: strings}\n"
            "  note: {type: string}\n"
            "resource: {type: File, arg: path, root: " WORKSPACE
            ", access: read}\n");
    fix_load_ok(&fix);
    tasks_make();
    (void)printf("[\n");
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        measure(&list[i], per_round > 0 ? per_round : 1,
                i + 1 == sizeof(list) / sizeof(list[0]));
    (void)printf("]\n");
    prov_task_close(full);
    prov_task_close(empty);
    prov_tasks_free(tasks);
    fix_done(&fix);
    ts_mem_set_ops(NULL);
    return 0;
}
