/*
 * The tables of docs/SECCOMP.md are made from the profiles: with --print this
 * program prints them, else it looks whether the document holds them.
 */
#include "tests/lib/ts_test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/launcher/layers/filter_keyed.h"
#include "sidecar/sandbox/bpf.h"

#define NUMBERS 463
#define ROOM    (64u << 10)

static const struct filter_key key = {{0x0123456789abcdef, 0xfedcba9876543210}};

struct text {
    char *at;
    size_t len;
};

TS_PRINTF(2, 3)
static void put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->at + t->len, ROOM - t->len, fmt, ap);
    va_end(ap);
    assert_true(n >= 0 && (size_t)n < ROOM - t->len);
    t->len += (size_t)n;
}

struct figures {
    uint32_t allowed, conditional, refused, insns[SANDBOX_ARCHS], steps;
    uint32_t strict, weaker;
};

static struct figures figures_of(struct sandbox_profile *p, struct ts_arena *a)
{
    struct figures f = {0};
    struct sandbox_model m, base, strict;
    struct sandbox_bpf b;

    for (int arch = 0; arch < SANDBOX_ARCHS; arch++) {
        assert_int_equal(
            sandbox_profile_model(p, (enum sandbox_arch)arch, a, &m), TS_OK);
        base = m;
        assert_int_equal(filter_keyed_add(&p->calls, &key, false, &base, a),
                         TS_OK);
        assert_int_equal(sandbox_bpf_compile(&base, a, &b), TS_OK);
        f.insns[arch] = b.count;
        if (arch != SANDBOX_X86_64)
            continue;
        f.steps = sandbox_bpf_steps(&b, sandbox_arch_audit(m.arch), NUMBERS);
        for (uint32_t nr = 0; nr < SANDBOX_NR_END; nr++) {
            const struct sandbox_call *c = m.by_nr[nr];

            if (c == NULL || c->action == SANDBOX_ABSENT)
                continue;
            f.conditional += c->count > 0;
            f.allowed += c->count == 0 && c->action == SANDBOX_ALLOW;
            f.refused += c->count == 0 && c->action != SANDBOX_ALLOW;
        }
        for (const struct sandbox_hole *h = sandbox_holes; h->name != NULL; h++)
            f.weaker += sandbox_hole_is_open(h, &p->calls, &m);
        assert_int_equal(sandbox_profile_strict(p, SANDBOX_X86_64, a, &strict),
                         TS_OK);
        assert_int_equal(filter_keyed_add(&p->calls, &key, true, &strict, a),
                         TS_OK);
        assert_int_equal(sandbox_bpf_compile_over(&base, &strict, a, &b),
                         TS_OK);
        f.strict = b.count;
    }
    return f;
}

static void profiles_table(struct text *t)
{
    put(t,
        "| index | profile | for | calls allowed | by arguments | refused | "
        "instructions x86-64, arm64 | steps to install | strict adds | "
        "remarks of the linter |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < SANDBOX_BUILTIN_COUNT; i++) {
        struct sandbox_profile *p = NULL;
        struct figures f;
        struct ts_arena a;

        ts_arena_init(&a, SANDBOX_ARENA_BYTES);
        assert_int_equal(sandbox_profile_builtin(
                             ts_str_of(sandbox_builtin_names[i]), &a, &p),
                         TS_OK);
        f = figures_of(p, &a);
        put(t, "| %d | `%s` | %s | %u | %u | %u | %u, %u | %u | %u | %u |\n", i,
            p->name, p->description, f.allowed, f.conditional, f.refused,
            f.insns[0], f.insns[1], f.steps, f.strict, f.weaker);
        ts_arena_done(&a);
    }
}

/* The calls of a name once, in the order of the table. */
static void holes_table(struct text *t)
{
    put(t, "| hole | severity | calls | why | source |\n"
           "|---|---|---|---|---|\n");
    for (const struct sandbox_hole *h = sandbox_holes; h->name != NULL; h++) {
        const struct sandbox_hole *first = sandbox_holes;
        const char *last = "";

        while (strcmp(first->name, h->name) != 0)
            first++;
        if (first != h)
            continue;
        put(t, "| `%s` | %s |", h->name, sandbox_severity_name(h->severity));
        for (const struct sandbox_hole *k = h; k->name != NULL; k++) {
            if (strcmp(k->name, h->name) == 0 && strcmp(k->call, last) != 0)
                put(t, " `%s`", last = k->call);
        }
        put(t, " | %s | %s |\n", h->why, h->source);
    }
}

static void keyed_table(struct text *t)
{
    put(t, "| call | registers with the key | only if |\n|---|---|---|\n");
    for (const struct filter_keyed *k = filter_keyed_calls; k->call != NULL;
         k++) {
        put(t, "| `%s` | %s | ", k->call,
            filter_keyed_first(k) == 4 ? "4, 5" : "5");
        for (const char *c = k->when != NULL ? k->when : ""; *c != '\0'; c++)
            put(t, *c == '|' ? "\\|" : "%c", *c);
        put(t, " |\n");
    }
}

static struct text made(void (*table)(struct text *t))
{
    struct text t = {.at = calloc(1, ROOM)};

    assert_non_null(t.at);
    table(&t);
    return t;
}

static void (*const tables[])(struct text *t) = {profiles_table, holes_table,
                                                 keyed_table};

static void document_holds_the_tables(void **s)
{
    FILE *f = fopen(SECCOMP_MD, "re");
    char *doc = calloc(1, 4 * ROOM);

    (void)s;
    assert_non_null(doc);
    assert_non_null(f);
    assert_true(fread(doc, 1, 4 * ROOM - 1, f) > 0);
    (void)fclose(f);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        struct text t = made(tables[i]);

        if (strstr(doc, t.at) == NULL)
            fail_msg("docs/SECCOMP.md: table %zu is old; this program prints "
                     "it with --print",
                     i + 1);
        free(t.at);
    }
    free(doc);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_holds_the_tables),
    };

    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
            struct text t = made(tables[i]);

            (void)printf("%s\n", t.at);
            free(t.at);
        }
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
