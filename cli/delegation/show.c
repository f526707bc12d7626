/* tipstaff delegation show: a chain, drawn. Nothing in it is secret. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/delegation/delegation_cmds.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "cli/term.h"
#include "proto/trust/agent_cert.h"
#include "proto/trust/delegation.h"

struct view {
    struct term t;
    const struct delegation *d;
    bool has_ids;
    uint64_t now;
};

static void field(const struct view *v, const char *name, struct ts_str s)
{
    (void)printf("  %s%-8s%s ", v->t.dim, name, v->t.reset);
    term_print(s);
    (void)putchar('\n');
}

static void print_hex(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void)printf("%02x", p[i]);
}

static void span(char *out, size_t cap, uint64_t s)
{
    unsigned long long n = s;

    if (s < 120)
        (void)snprintf(out, cap, "%llus", n);
    else if (s < 7200)
        (void)snprintf(out, cap, "%llum", n / 60);
    else if (s < 172800)
        (void)snprintf(out, cap, "%lluh", n / 3600);
    else
        (void)snprintf(out, cap, "%llud", n / 86400);
}

static void print_window(const struct view *v)
{
    const struct delegation *d = v->d;
    char from[32], to[32], left[32];

    term_time(from, sizeof(from), d->not_before);
    term_time(to, sizeof(to), d->expires);
    (void)printf("  %s%-8s%s %s to %s  ", v->t.dim, "valid", v->t.reset, from,
                 to);
    if (v->now >= d->expires) {
        span(left, sizeof(left), v->now - d->expires);
        (void)printf("%sexpired %s ago%s\n", v->t.red, left, v->t.reset);
    } else if (v->now < d->not_before) {
        span(left, sizeof(left), d->not_before - v->now);
        (void)printf("%sbegins in %s%s\n", v->t.yellow, left, v->t.reset);
    } else {
        span(left, sizeof(left), d->expires - v->now);
        (void)printf("%s%s left%s\n", v->t.green, left, v->t.reset);
    }
}

static void print_head(const struct view *v, bool verified)
{
    const struct delegation *d = v->d;

    (void)printf("%sdelegation%s ", v->t.bold, v->t.reset);
    print_hex(d->grant_id, sizeof(d->grant_id));
    (void)printf("  %s%s%s\n", verified ? v->t.green : v->t.yellow,
                 verified ? "signatures verified"
                          : "signatures not checked (give --issuer-pub)",
                 v->t.reset);
    field(v, "tenant", d->tenant);
    field(v, "task", d->task);
    field(v, "for", d->aud);
    print_window(v);
    if (d->max_calls > 0)
        (void)printf("  %s%-8s%s at most %llu\n", v->t.dim, "calls", v->t.reset,
                     (unsigned long long)d->max_calls);
    for (size_t i = 0; i < d->attr_count; i++) {
        (void)printf("  %s%-8s%s ", v->t.dim, i == 0 ? "attrs" : "",
                     v->t.reset);
        term_print(d->attrs[i].key);
        (void)putchar('=');
        term_print(d->attrs[i].value);
        (void)putchar('\n');
    }
    (void)printf("  %s%-8s%s ", v->t.dim, "kid", v->t.reset);
    print_hex(d->kid, sizeof(d->kid));
    (void)printf("\n\n");
}

/* The Cedar text, each line behind the chain's own line. */
static void print_policy(const struct view *v, const char *bar,
                         struct ts_str text)
{
    while (text.len > 0) {
        const char *nl = memchr(text.ptr, '\n', text.len);
        size_t n = nl != NULL ? (size_t)(nl - text.ptr) : text.len;

        (void)printf("%s    %s", bar, v->t.cyan);
        term_print((struct ts_str){.ptr = text.ptr, .len = n});
        (void)printf("%s\n", v->t.reset);
        n += nl != NULL;
        text.ptr += n;
        text.len -= n;
    }
}

/* Who vouches for the key; form only, as for the rest of what is shown. */
static void print_cert(const struct view *v, const char *bar,
                       const struct delegation_block *b)
{
    uint8_t kid[TRUST_KID_LEN];
    struct agent_cert c;
    char to[32];

    if (b->cert.len == 0)
        return;
    (void)printf("%s    %scert%s  ", bar, v->t.dim, v->t.reset);
    if (agent_cert_decode_to_show(b->cert, &c, kid) != TRUST_OK) {
        (void)printf("%smalformed%s\n", v->t.red, v->t.reset);
        return;
    }
    term_time(to, sizeof(to), c.exp);
    (void)printf("for ");
    term_print(c.agent);
    (void)printf(" until %s, signed by ", to);
    print_hex(kid, sizeof(kid));
    (void)putchar('\n');
}

static void print_block(const struct view *v, size_t i)
{
    const struct delegation_block *b = &v->d->blocks[i];
    bool last = i + 1 == v->d->block_count;
    const char *bar = last ? " " : "│";
    char to[32];

    term_time(to, sizeof(to), b->exp);
    (void)printf("%s─▶ %sagent%s ", last ? "└" : "├", v->t.bold, v->t.reset);
    term_print(b->agent);
    (void)printf("\n%s    %skey%s   ", bar, v->t.dim, v->t.reset);
    print_hex(b->holder, sizeof(b->holder));
    if (v->has_ids) {
        (void)printf("\n%s    %sblock%s ", bar, v->t.dim, v->t.reset);
        print_hex(b->id, sizeof(b->id));
    }
    (void)printf("\n%s    %suntil%s %s, %u more link%s allowed\n", bar,
                 v->t.dim, v->t.reset, to, (unsigned)b->depth,
                 b->depth == 1 ? "" : "s");
    print_cert(v, bar, b);
    delegation_counters_print(&v->t, bar, b->policies);
    print_policy(v, bar, b->policies);
}

static void print_chain(const struct view *v, bool verified)
{
    print_head(v, verified);
    (void)printf("%suser%s ", v->t.bold, v->t.reset);
    term_print(v->d->user);
    (void)printf("  %svia issuer%s ", v->t.dim, v->t.reset);
    term_print(v->d->issuer);
    (void)printf("\n│\n");
    for (size_t i = 0; i < v->d->block_count; i++)
        print_block(v, i);
}

static bool show(const char *path, const char *issuer_pub, bool json,
                 struct ts_arena *arena)
{
    uint8_t pk[TRUST_PK_LEN];
    struct ts_bytes chain;
    struct delegation d;
    struct view v;
    enum trust_code c;

    if (!cli_read(path, TS_CHAIN_MAX, arena, &chain) ||
        (issuer_pub != NULL && !cli_public_key("--issuer-pub", issuer_pub, pk)))
        return false;
    c = delegation_decode_to_show(chain.ptr, chain.len,
                                  issuer_pub != NULL ? pk : NULL, arena, &d);
    if (c != TRUST_OK) {
        cli_error("%s: %s: %s", path, trust_code_name(c), trust_code_text(c));
        return false;
    }
    if (json)
        return delegation_json_print(&d, issuer_pub != NULL,
                                     issuer_pub != NULL);
    v = (struct view){.t = term_stdout(),
                      .d = &d,
                      .has_ids = issuer_pub != NULL,
                      .now = (uint64_t)time(NULL)};
    print_chain(&v, issuer_pub != NULL);
    return true;
}

int delegation_show_run(int argc, char **argv)
{
    const char *issuer_pub = NULL;
    bool json = false, ok;
    const struct cli_option options[] = {
        {"--issuer-pub", "KEY",
         "check signatures from this issuer key down, show block ids", CLI_TEXT,
         &issuer_pub, false},
        {"--json", NULL, "one JSON object", CLI_FLAG, &json, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff delegation show",
        .operands = "FILE",
        .about = "Shows what a delegation says. Reading is not trusting: only "
                 "a sidecar decides whether it counts.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples =
            "  tipstaff delegation show coder.chain\n"
            "  tipstaff delegation show --issuer-pub issuer.pub x.chain\n"
            "  tipstaff delegation show --json coder.chain | jq .expires\n",
    };
    struct ts_arena arena;
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    ts_arena_init(&arena, (size_t)8 * TS_CHAIN_MAX);
    ok = show(operand[0], issuer_pub, json, &arena);
    ts_arena_done(&arena);
    return ok ? CLI_OK : CLI_FAILED;
}
