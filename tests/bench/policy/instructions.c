/*
 *   bench_instructions POLICIES ROUNDS
 *
 * Loads a set of that size, made here, and asks it the same 64 requests ROUNDS
 * times. Prints "evaluations N", for who counts instructions around
 * cedar_authorize() to divide by; see instructions.sh. Fails when the answers
 * are not the ones that the set was made to give.
 *
 * The rules are those of an agent's tools: some for everyone, and for each
 * project who may read and write it, a limit, and one file that is locked.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cedar.h"
#include "proto/base/ts_mem.h"

#define GLOBALS     5
#define PER_PROJECT 5
#define REQUESTS    64

struct text {
    char *ptr;
    size_t len, cap;
};

static void put(struct text *t, const char *fmt, ...) TS_PRINTF(2, 3);

static void put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->ptr + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= t->cap - t->len)
        abort();
    t->len += (size_t)n;
}

static void put_policies(struct text *t, unsigned projects)
{
    put(t, "permit(principal in Team::\"root\", action, resource);\n"
           "forbid(principal, action, resource) when { context.depth > 4 };\n"
           "forbid(principal, action, resource) when { context.budget <= 0 };\n"
           "forbid(principal, action in Action::\"write\", resource is File) "
           "when { context.args.path like \"*/.git/*\" || "
           "context.args.path like \"*.pem\" };\n"
           "forbid(principal is Agent, action in Action::\"write\", resource) "
           "when { resource.secret } unless { context.approved };\n");
    for (unsigned i = 0; i < projects; i++)
        put(t,
            "permit(principal in Team::\"t%u\", action in Action::\"read\", "
            "resource in Dir::\"d%u\");\n"
            "permit(principal in Team::\"t%u\", action in Action::\"write\", "
            "resource in Dir::\"d%u\") when { context.args.bytes <= 4096 };\n"
            "permit(principal in Bots::\"b%u\", action in Action::\"read\", "
            "resource in Dir::\"d%u\") when { context.depth <= 3 };\n"
            "permit(principal in Bots::\"b%u\", action == "
            "Action::\"fs.write\", "
            "resource in Dir::\"d%u\") when { context.args.path like "
            "\"/srv/%u/*\" && context.args.bytes <= 1024 };\n"
            "forbid(principal, action in Action::\"write\", resource == "
            "File::\"d%u/lock\") unless { context.approved };\n",
            i, i, i, i, i, i, i, i, i, i);
}

static void put_entities(struct text *t, unsigned projects)
{
    put(t, "[{\"uid\":{\"type\":\"Action\",\"id\":\"fs.read\"},\"attrs\":{},"
           "\"parents\":[{\"type\":\"Action\",\"id\":\"read\"}]},"
           "{\"uid\":{\"type\":\"Action\",\"id\":\"fs.write\"},\"attrs\":{},"
           "\"parents\":[{\"type\":\"Action\",\"id\":\"write\"}]}");
    for (unsigned i = 0; i < projects; i++)
        put(t,
            ",{\"uid\":{\"type\":\"User\",\"id\":\"u%u\"},\"attrs\":{},"
            "\"parents\":[{\"type\":\"Team\",\"id\":\"t%u\"},"
            "{\"type\":\"Team\",\"id\":\"all\"}]}"
            ",{\"uid\":{\"type\":\"Agent\",\"id\":\"a%u\"},\"attrs\":{},"
            "\"parents\":[{\"type\":\"Bots\",\"id\":\"b%u\"}]}"
            ",{\"uid\":{\"type\":\"File\",\"id\":\"d%u/lock\"},\"attrs\":"
            "{\"secret\":false},\"parents\":[{\"type\":\"Dir\",\"id\":\"d%u\"}]"
            "}"
            ",{\"uid\":{\"type\":\"File\",\"id\":\"d%u/open\"},\"attrs\":"
            "{\"secret\":false},\"parents\":[{\"type\":\"Dir\",\"id\":\"d%u\"}]"
            "}",
            i, i, i, i, i, i, i, i);
    put(t, "]");
}

struct request {
    struct cedar_request req;
    char principal[16], resource[24], path[32];
    bool allowed;
};

/* Users and agents, reading and writing, files free and locked. */
static bool make_request(struct ts_arena *arena, struct request *r, unsigned i,
                         unsigned projects)
{
    unsigned project = i * 7 % projects;
    bool agent = (i & 1) != 0, write = (i & 2) != 0, lock = (i & 4) != 0;
    struct cedar_field args[2], context[4];

    (void)snprintf(r->principal, sizeof(r->principal), "%c%u",
                   agent ? 'a' : 'u', project);
    (void)snprintf(r->resource, sizeof(r->resource), "d%u/%s", project,
                   lock ? "lock" : "open");
    (void)snprintf(r->path, sizeof(r->path), "/srv/%u/x", project);
    r->req.principal =
        cedar_uid_make(agent ? TS_STR_LIT("Agent") : TS_STR_LIT("User"),
                       ts_str_of(r->principal));
    r->req.action =
        cedar_uid_make(TS_STR_LIT("Action"),
                       write ? TS_STR_LIT("fs.write") : TS_STR_LIT("fs.read"));
    r->req.resource =
        cedar_uid_make(TS_STR_LIT("File"), ts_str_of(r->resource));
    args[0] = (struct cedar_field){TS_STR_LIT("path"),
                                   cedar_string(ts_str_of(r->path))};
    args[1] = (struct cedar_field){TS_STR_LIT("bytes"), cedar_long(100)};
    context[0].key = TS_STR_LIT("args");
    context[1] = (struct cedar_field){TS_STR_LIT("depth"), cedar_long(1)};
    context[2] = (struct cedar_field){TS_STR_LIT("budget"), cedar_long(9)};
    context[3] =
        (struct cedar_field){TS_STR_LIT("approved"), cedar_bool(false)};
    r->allowed = !write || !lock;
    return cedar_record_make(arena, args, 2, &context[0].value) == TS_OK &&
           cedar_record_make(arena, context, 4, &r->req.context) == TS_OK;
}

static int ask(const struct cedar_policies *p, const struct cedar_entities *e,
               const struct request *requests, unsigned rounds)
{
    struct ts_arena arena;
    unsigned wrong = 0;

    ts_arena_init(&arena, 1 << 16);
    for (unsigned n = 0; n < rounds; n++)
        for (unsigned i = 0; i < REQUESTS; i++) {
            struct cedar_answer a = {0};

            if (cedar_authorize(p, e, &requests[i].req, &arena, &a) != TS_OK ||
                (a.decision == CEDAR_ALLOW) != requests[i].allowed ||
                a.error_count > 0 || a.reason_count != 1)
                wrong++;
            ts_arena_reset(&arena);
        }
    ts_arena_done(&arena);
    (void)printf("evaluations %u\n", rounds * REQUESTS);
    return wrong > 0;
}

static unsigned parse_number(const char *s)
{
    unsigned n = 0;

    for (; *s >= '0' && *s <= '9' && n < 100000; s++)
        n = n * 10 + (unsigned)(*s - '0');
    return n;
}

int main(int argc, char **argv)
{
    static struct request requests[REQUESTS];
    unsigned policies = argc == 3 ? parse_number(argv[1]) : 0;
    unsigned projects = policies / PER_PROJECT - GLOBALS / PER_PROJECT;
    struct text t = {.cap = (size_t)16 << 20};
    struct cedar_options options = cedar_options_default;
    struct cedar_source src = {.name = "made here"};
    struct cedar_policies *p = NULL;
    struct cedar_entities *e = NULL;
    struct ts_arena arena;
    int status = 2;

    if (policies < 2 * PER_PROJECT || policies > 60000 ||
        (t.ptr = ts_mem_alloc(t.cap)) == NULL) {
        (void)fprintf(stderr, "usage: bench_instructions POLICIES ROUNDS\n");
        return 2;
    }
    options.require_id = false;
    ts_arena_init(&arena, 1 << 20);
    put_policies(&t, projects);
    src.text = (struct ts_str){t.ptr, t.len};
    if (cedar_policies_parse(&src, 1, &options, &p, NULL) == TS_OK) {
        t.len = 0;
        put_entities(&t, projects);
        src.text.len = t.len;
        status = cedar_entities_parse(&src, 1, &e, NULL) == TS_OK ? 0 : 2;
    }
    for (unsigned i = 0; status == 0 && i < REQUESTS; i++)
        status = make_request(&arena, &requests[i], i, projects) ? 0 : 2;
    if (status == 0)
        status = ask(p, e, requests, parse_number(argv[2]));
    cedar_policies_free(p);
    cedar_entities_free(e);
    ts_arena_done(&arena);
    ts_mem_free(t.ptr);
    return status;
}
