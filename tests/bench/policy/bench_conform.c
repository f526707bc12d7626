/*
 * Time of one cedar_request_check(), which the gate asks on every call: a
 * context of 20 attributes, and the same request with an empty context. The
 * best of many batches; it must not allocate.
 *
 *   bench_conform [--json]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/cedar_schema.h"
#include "proto/base/ts_mem.h"

#define ATTRS   20
#define BATCH   2000
#define BATCHES 400

static const char schema_text[] =
    "entity User in [Team] { level: Long };\n"
    "entity Team;\n"
    "entity File, Disk, Tape;\n"
    "action none, read, write appliesTo {\n"
    "  principal: [User, Team], resource: [Disk, File], context: {\n"
    "    tool: String, tool_class: String, host: String, path?: String,\n"
    "    session: String, model?: String, mfa: Bool, approved: Bool,\n"
    "    dry_run: Bool, interactive: Bool, bytes: Long, depth: Long,\n"
    "    calls: Long, hour: Long, age_s: Long, from: ipaddr, now: datetime,\n"
    "    labels: Set<String>, by: User,\n"
    "    args: { name: String, count: Long } } };\n"
    "action plain appliesTo { principal: User, resource: File };\n";

static const char context_text[] =
    "{\"tool\":\"fs.read\",\"tool_class\":\"file\",\"host\":\"db-1\","
    "\"path\":\"/srv/data/report.csv\",\"session\":\"0123456789abcdef\","
    "\"model\":\"m\",\"mfa\":true,\"approved\":false,\"dry_run\":false,"
    "\"interactive\":true,\"bytes\":4096,\"depth\":2,\"calls\":17,\"hour\":9,"
    "\"age_s\":120,\"from\":\"10.0.0.7\",\"now\":\"2026-11-22T05:00:00Z\","
    "\"labels\":[\"prod\",\"eu\",\"pci\"],\"by\":{\"type\":\"User\",\"id\":"
    "\"ann\"},\"args\":{\"name\":\"report\",\"count\":3}}";

static uint64_t allocations;

static void *counted_alloc(void *ctx, size_t n)
{
    (void)ctx;
    allocations++;
    return calloc(1, n);
}

static void counted_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static struct cedar_uid uid(const char *type, const char *id)
{
    return cedar_uid_make(ts_str_of(type), ts_str_of(id));
}

static double now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best mean of a batch, in ns; negative when a check was refused. */
static double measure(const struct cedar_schema *s,
                      const struct cedar_request *req)
{
    double best = 1e18;

    for (int b = 0; b < BATCHES; b++) {
        double start = now_ns(), mean;
        int bad = 0;

        for (int i = 0; i < BATCH; i++)
            bad += cedar_request_check(s, req, NULL) != TS_OK;
        mean = (now_ns() - start) / BATCH;
        if (bad > 0)
            return -1;
        best = mean < best ? mean : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    static const struct ts_mem_ops counted = {.alloc = counted_alloc,
                                              .free = counted_free};
    struct cedar_source ss = {.name = "schema",
                              .text = {schema_text, sizeof(schema_text) - 1}};
    struct cedar_source cs = {.name = "context",
                              .text = {context_text, sizeof(context_text) - 1}};
    struct cedar_request full = {.principal = uid("User", "ann"),
                                 .action = uid("Action", "write"),
                                 .resource = uid("File", "report.csv")};
    struct cedar_request plain = full;
    static struct cedar_diags diags;
    struct cedar_schema *s = NULL;
    struct ts_arena arena;
    double with, without;

    ts_arena_init(&arena, 1 << 20);
    plain.action = uid("Action", "plain");
    if (cedar_schema_parse(&ss, 1, &s, &diags) != TS_OK ||
        cedar_context_parse(&arena, s, &full.action, &cs, &full.context,
                            &diags) != TS_OK ||
        cedar_record_make(&arena, NULL, 0, &plain.context) != TS_OK ||
        cedar_record_count(full.context.as.record) != ATTRS) {
        (void)fprintf(stderr, "bench_conform: %s\n",
                      diags.count > 0 ? diags.list[0].text : "setup");
        return 1;
    }
    ts_mem_set_ops(&counted);
    with = measure(s, &full);
    without = measure(s, &plain);
    ts_mem_set_ops(NULL);
    if (with < 0 || without < 0 || allocations > 0)
        return 1;
    (void)printf(argc > 1 && strcmp(argv[1], "--json") == 0
                     ? "{\"request_check_ns\":%.1f,\"empty_context_ns\":%.1f,"
                       "\"attribute_ns\":%.2f}\n"
                     : "20 attributes: %.1f ns, none: %.1f ns, one attribute: "
                       "%.2f ns\n",
                 with, without, (with - without) / ATTRS);
    cedar_schema_free(s);
    ts_arena_done(&arena);
    return 0;
}
