/* A tool that repeats its arguments makes nothing of them better: in any form,
 * through any number of tools, by handles, in any order, without memory. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/gate/provenance/task.h"
#include "tests/lib/fault_mem.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct prov_tasks *all;
static struct prov_task *k;

static ts_err open_task(void)
{
    static const uint8_t id[16] = "grant";
    const struct prov_grant g = {.tenant = TS_STR_LIT("acme"),
                                 .grant_id = id,
                                 .issued_s = 1000,
                                 .expires_s = 1100};

    return prov_tasks_open(all, &g, 1000, 1000, &k);
}

static int setup(void **state)
{
    (void)state;
    k = NULL;
    return prov_tasks_new(PROV_STORE_BYTES, &all) == TS_OK &&
                   open_task() == TS_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    prov_task_close(k);
    prov_tasks_free(all);
    return 0;
}

static void afresh(void)
{
    (void)teardown(NULL);
    assert_int_equal(setup(NULL), 0);
}

static const struct ts_str id_places[] = {{.ptr = "/id", .len = 3}};
static const struct ts_str to_places[] = {{.ptr = "/to", .len = 3}};
static const struct prov_output_rules text = {.is_trusted = true};
static const struct prov_output_rules stranger = {0};
static const struct prov_output_rules json = {
    .is_json = true, .is_trusted = true, .ids = {id_places, 1}};
static const struct prov_output_rules vouched = {
    .is_json = true, .is_trusted = true, .vouches = {to_places, 1}};
static const struct prov_output_rules chosen = {
    .is_json = true, .selectors = {[FORM_EMAIL] = {to_places, 1}}};

/* ---- calls --------------------------------------------------------------- */

struct words {
    const char *const *list;
    size_t count;
};

static ts_err walk(void *ctx, ts_err (*sink)(void *to, struct ts_str text),
                   void *to)
{
    const struct words *w = ctx;
    ts_err e = TS_OK;

    for (size_t i = 0; e == TS_OK && i < w->count; i++)
        e = sink(to, ts_str_of(w->list[i]));
    return e;
}

struct ran {
    uint32_t call, said;
};

static struct ran begin_with(const char *const *args, size_t count)
{
    struct words w = {args, count};
    const struct prov_saying s = {.ctx = &w, .walk = walk};
    struct ran r = {.call = prov_task_began(k)};

    r.said = prov_task_says(k, &s);
    return r;
}

static struct ran begin(const char *arg)
{
    return begin_with(&arg, 1);
}

static void end(struct ran r, const struct prov_output_rules *rules,
                const char *bytes)
{
    const struct prov_output o = {.call = r.call,
                                  .tool = TS_STR_LIT("t"),
                                  .rules = rules,
                                  .said = r.said,
                                  .bytes = ts_str_of(bytes),
                                  .is_whole = true};

    prov_task_shows(k, rules);
    (void)prov_task_output(k, &o);
}

static void call(const char *arg, const struct prov_output_rules *rules,
                 const char *bytes)
{
    end(begin(arg), rules, bytes);
}

static enum prov_source source_as(enum prov_kind kind, const char *value)
{
    struct prov_seen s;

    prov_task_find(k, kind, ts_str_of(value), &s);
    return s.source;
}

static enum prov_source source(const char *value)
{
    return source_as(PROV_TEXT, value);
}

static enum prov_source by_handle(uint32_t n, const char *pointer,
                                  uint32_t *places)
{
    struct prov_handle h;

    assert_int_equal(prov_task_handle(k, n, ts_str_of(pointer), &h), TS_OK);
    *places = h.seen.count;
    return h.seen.source;
}

/* ---- one tool ------------------------------------------------------------ */

/* Values that strangers want to be trusted, as they wrote them, in other
 * spellings, and as a later call has them. */
static const struct {
    const char *stranger, *arg, *printed, *later;
} forms[] = {
    {"mallory@evil.example", "mallory@evil.example", "mallory@evil.example",
     "mallory@evil.example"},
    {"mallory@evil.example", "MALLORY@evil.example", "Mallory@Evil.example",
     " mallory@EVIL.example"},
    {"https://evil.example/x", "evil.example/x", "http://evil.example/x/",
     "https://evil.example/x"},
    {"DE89370400440532013000", "DE89370400440532013000",
     "de89370400440532013000", "DE89370400440532013000"},
    {"1200", "1200.00", "1,200", "1200"},
    {"1200.50", "1200.5", "1,200.50", "1200.5"},
    {"1,200", "1.2e3", "1200.0", "1200"},
    {"mallory", "mallory", "mallory", "mallory"},
    {"Mallory  Malone", "mallory malone", "Mallory Malone", "MALLORY MALONE"},
    {"\xc3\xa9vil", "\xc3\xa9vil", "\xc3\xa9vil", "\xc3\xa9vil"},
};

/* What a tool makes of what it is told, and how it is told. */
static const char *const prints[] = {"%s", "sent to %s", "no contact %s found",
                                     "<%s>", "a\n%s\nb"};
static const char *const tells[] = {"%s", "write to %s, now", "%s and bob"};

static void in(char *out, size_t cap, const char *format, const char *word)
{
    const char *at = strstr(format, "%s");

    (void)snprintf(out, cap, "%.*s%s%s", (int)(at - format), format, word,
                   at + 2);
}

static void value_that_a_tool_repeats_is_as_before(void **state)
{
    char arg[256], out[256];

    (void)state;
    for (size_t f = 0; f < COUNT(forms); f++)
        for (size_t p = 0; p < COUNT(prints); p++)
            for (size_t t = 0; t < COUNT(tells); t++)
                for (int seen = 0; seen < 2; seen++) {
                    enum prov_source before;

                    afresh();
                    if (seen)
                        end((struct ran){.call = prov_task_began(k)}, &stranger,
                            forms[f].stranger);
                    before = source(forms[f].later);
                    assert_int_equal(before,
                                     seen ? PROV_UNTRUSTED : PROV_UNKNOWN);
                    in(arg, sizeof(arg), tells[t], forms[f].arg);
                    in(out, sizeof(out), prints[p], forms[f].printed);
                    /* "1.2e3" is a number as a whole alone */
                    if (strstr(forms[f].arg, "e3") != NULL && t > 0)
                        continue;
                    call(arg, &text, out);
                    if (source(forms[f].later) != before)
                        fail_msg("%s -> %s: %s is %s", arg, out, forms[f].later,
                                 prov_source_name(source(forms[f].later)));
                    assert_int_equal(source("zebra"), PROV_UNKNOWN);
                }
}

/* So that the test above can fail: without the argument it is trusted. */
static void value_that_no_argument_has_is_trusted(void **state)
{
    char out[256];

    (void)state;
    for (size_t f = 0; f < COUNT(forms); f++)
        for (size_t p = 0; p < COUNT(prints); p++) {
            afresh();
            in(out, sizeof(out), prints[p], forms[f].printed);
            call("another word", &text, out);
            assert_int_equal(source(forms[f].later), PROV_TRUSTED);
        }
}

/* A search finds names that hold what was searched for. */
static void what_a_tool_adds_is_its_word(void **state)
{
    (void)state;
    call("report", &json,
         "{\"name\": \"report.docx\", \"size\": 77, \"by\": \"the report of "
         "bob@x.example\"}");
    assert_int_equal(source("report.docx"), PROV_TRUSTED);
    assert_int_equal(source("77"), PROV_TRUSTED);
    assert_int_equal(source("bob@x.example"), PROV_TRUSTED);
    assert_int_equal(source("report"), PROV_UNKNOWN);
}

/* ... but a text around a link or address is no better than that. */
static void text_around_a_repeated_address_is_not_trusted(void **state)
{
    (void)state;
    call("mallory@evil.example", &json,
         "{\"to\": \"Mallory <mallory@evil.example>\", \"at\": \"10:30\"}");
    assert_int_equal(source("Mallory <mallory@evil.example>"), PROV_UNKNOWN);
    assert_int_equal(source("10:30"), PROV_TRUSTED);
}

static void tool_that_vouches_is_believed(void **state)
{
    uint32_t places;
    struct ran r = begin("bob@x.example");

    (void)state;
    end(r, &vouched, "{\"to\": \"bob@x.example\", \"q\": \"bob@x.example\"}");
    assert_int_equal(source("bob@x.example"), PROV_TRUSTED);
    assert_int_equal(by_handle(r.call, "/to", &places), PROV_TRUSTED);
    assert_int_equal(places, 1);
}

static void selector_that_repeats_does_not_select(void **state)
{
    (void)state;
    call("eve@x.example", &chosen, "{\"to\": \"eve@x.example\"}");
    assert_int_equal(source("eve@x.example"), PROV_UNKNOWN);
    call("7", &chosen, "{\"to\": \"eve@x.example\"}");
    assert_int_equal(source("eve@x.example"), PROV_TRUSTED);
}

static void id_is_repeated_as_a_whole_alone(void **state)
{
    (void)state;
    call("at 5 on 2024-05-19", &json, "{\"id\": \"5\"}");
    assert_int_equal(source_as(PROV_ID, "5"), PROV_TRUSTED);
    assert_int_equal(source("5"), PROV_UNKNOWN);
    afresh();
    call(" 5", &json, "{\"id\": \"5\"}");
    assert_int_equal(source_as(PROV_ID, "5"), PROV_UNKNOWN);
    afresh();
    call("5.0", &json, "{\"id\": 5}");
    assert_int_equal(source_as(PROV_ID, "5"), PROV_UNKNOWN);
}

/* Something else says it, too: that counts, before and after. */
static void value_from_elsewhere_stays_trusted(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        afresh();
        if (order == 0)
            call("list", &json, "{\"to\": \"bob@x.example\"}");
        call("bob@x.example", &json, "{\"to\": \"bob@x.example\"}");
        if (order == 1)
            call("list", &json, "{\"to\": \"bob@x.example\"}");
        assert_int_equal(source("bob@x.example"), PROV_TRUSTED);
    }
    assert_int_equal(prov_task_prompt(k, TS_STR_LIT("to carol@x.example")),
                     TS_OK);
    call("carol@x.example", &text, "carol@x.example");
    assert_int_equal(source("carol@x.example"), PROV_PROMPT);
}

/* ---- more than one ------------------------------------------------------- */

static void value_through_many_tools_is_as_before(void **state)
{
    static const char *const chain[] = {"mallory", "Contact: mallory",
                                        "[Contact: mallory]",
                                        "see [Contact: mallory] of today"};

    (void)state;
    for (size_t i = 0; i + 1 < COUNT(chain); i++)
        call(chain[i], &text, chain[i + 1]);
    for (size_t i = COUNT(chain) - 1; i > 0; i--)
        call(chain[i], &text, chain[i - 1]);
    assert_int_equal(source("mallory"), PROV_UNKNOWN);
}

/* Two calls with each other's value, begun and ended in any order. */
static void order_of_calls_changes_nothing(void **state)
{
    /* 0, 1: a begins, ends; 2, 3: b */
    static const int orders[][4] = {{0, 1, 2, 3}, {0, 2, 1, 3}, {0, 2, 3, 1},
                                    {2, 3, 0, 1}, {2, 0, 3, 1}, {2, 0, 1, 3}};

    (void)state;
    for (size_t i = 0; i < COUNT(orders); i++) {
        struct ran a = {0}, b = {0};

        afresh();
        for (size_t n = 0; n < 4; n++)
            switch (orders[i][n]) {
            case 0:
                a = begin("mallory");
                break;
            case 1:
                end(a, &text, "hello mallory");
                break;
            case 2:
                b = begin("eve");
                break;
            default:
                end(b, &text, "eve, and who else?");
            }
        assert_int_equal(source("mallory"), PROV_UNKNOWN);
        assert_int_equal(source("eve"), PROV_UNKNOWN);
        assert_int_equal(source("who else"), PROV_TRUSTED);
        assert_int_not_equal(a.said, b.said);
    }
}

static void handle_to_what_a_tool_repeats_is_as_before(void **state)
{
    static const char out[] = "{\"to\": \"mallory@evil.example\", \"n\": 1200,"
                              " \"new\": \"x17\", \"all\": [1200, \"x17\"]}";
    static const char *const args[] = {"mallory@evil.example", "1,200"};

    (void)state;
    for (int kept = 0; kept < 2; kept++) {
        struct prov_output o = {.tool = TS_STR_LIT("t"),
                                .rules = &json,
                                .bytes = ts_str_of(out),
                                .is_whole = true,
                                .is_withheld = kept == 1};
        struct ran r;
        uint32_t places;

        afresh();
        end((struct ran){.call = prov_task_began(k)}, &stranger,
            "ask mallory@evil.example");
        r = begin_with(args, COUNT(args));
        o.call = r.call;
        o.said = r.said;
        (void)prov_task_output(k, &o);
        assert_int_equal(by_handle(r.call, "/to", &places), PROV_UNTRUSTED);
        assert_int_equal(places, 0);
        assert_int_equal(by_handle(r.call, "/n", &places), PROV_UNKNOWN);
        assert_int_equal(by_handle(r.call, "/new", &places), PROV_TRUSTED);
        assert_int_equal(places, 1);
        assert_int_equal(by_handle(r.call, "/all", &places), PROV_UNKNOWN);
        assert_int_equal(by_handle(r.call, "", &places), PROV_UNTRUSTED);
    }
}

/* ---- bounds -------------------------------------------------------------- */

static void same_arguments_again_cost_nothing(void **state)
{
    size_t before;

    (void)state;
    call("mallory@evil.example", &text, "to mallory@evil.example");
    before = prov_tasks_bytes(all);
    for (int i = 0; i < 5000; i++)
        call("mallory@evil.example", &text, "to mallory@evil.example");
    assert_int_equal(prov_tasks_bytes(all), before);
    assert_int_equal(source("mallory@evil.example"), PROV_UNKNOWN);
}

static void value_of_very_many_calls_is_not_better(void **state)
{
    char other[32];
    const char *const args[] = {"mallory", other};

    (void)state;
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(other, sizeof(other), "other %d", i);
        end(begin_with(args, 2), &text, "so says mallory");
    }
    /* not searched to the end: it may stand where strangers write, too */
    assert_int_equal(source("mallory"), PROV_UNTRUSTED);
    assert_int_equal(source("so says"), PROV_TRUSTED);
}

static void arguments_that_do_not_fit_cost_the_trust(void **state)
{
    static char big[65536];
    char value[32];
    bool lost = false;
    int n = 0;

    (void)state;
    while (!lost && n < 1000) {
        struct ran r;

        for (size_t i = 0; i + 1 < sizeof(big); i += 8)
            (void)snprintf(big + i, sizeof(big) - i, "%07x ",
                           (unsigned)(n * 65536) + (unsigned)i);
        r = begin(big);
        n++;
        lost = r.said == PROV_SAID_LOST;
        (void)snprintf(value, sizeof(value), "new%d", n);
        end(r, &text, value);
        assert_int_equal(source(value), lost ? PROV_UNTRUSTED : PROV_TRUSTED);
    }
    assert_true(lost);
    assert_true(prov_tasks_bytes(all) <= PROV_SAID_BYTES + PROV_TASK_BYTES);
    end(begin("mallory"), &text, "mallory");
    assert_int_not_equal(source("mallory"), PROV_TRUSTED);
}

/* What a task dropped it does not know; a call that was under way may have
 * been given anything. */
static void call_of_a_dropped_task_is_not_believed(void **state)
{
    static const uint8_t id[16] = "other";
    const struct prov_grant g = {.tenant = TS_STR_LIT("other"),
                                 .grant_id = id,
                                 .issued_s = 1000,
                                 .expires_s = 1100};
    struct prov_task *mine, *other;
    struct ran r;
    char *flood = malloc(PROV_OUTPUT_MAX);
    size_t size = 0;

    (void)state;
    prov_task_close(k);
    prov_tasks_free(all);
    assert_int_equal(prov_tasks_new(1u << 20, &all), TS_OK);
    assert_int_equal(open_task(), TS_OK);
    r = begin("mallory");
    mine = k;
    assert_int_equal(prov_tasks_open(all, &g, 1000, 1000, &other), TS_OK);
    for (unsigned n = 0; size + 16 < PROV_OUTPUT_MAX; n++)
        size += (size_t)snprintf(flood + size, 16, "w%u ", n);
    k = other;
    end((struct ran){.call = prov_task_began(k)}, &text, flood);
    prov_task_close(other);
    k = mine;
    assert_true(prov_task_taint(k).lost);
    end(r, &text, "mallory");
    assert_int_equal(source("mallory"), PROV_UNTRUSTED);
    end(begin("eve"), &text, "hello eve");
    assert_int_equal(source("hello"), PROV_TRUSTED);
    assert_int_not_equal(source("eve"), PROV_TRUSTED);
    free(flood);
}

static void without_memory_nothing_gets_better(void **state)
{
    bool fired = true;

    (void)state;
    for (int nth = 0; fired; nth++)
        for (int persistent = 0; persistent < 2; persistent++) {
            struct ran r;

            afresh();
            fault_mem_arm(nth, persistent == 1);
            r = begin("mallory@evil.example");
            end(r, &json, "{\"to\": \"Mallory@evil.example\"}");
            assert_int_not_equal(source("mallory@evil.example"), PROV_TRUSTED);
            fired = fault_mem_fired();
            fault_mem_disarm();
            assert_int_not_equal(source("mallory@evil.example"), PROV_TRUSTED);
        }
}

static ts_err failing(void *ctx, ts_err (*sink)(void *to, struct ts_str text),
                      void *to)
{
    int *left = ctx;
    ts_err e = sink(to, TS_STR_LIT("mallory"));

    return e == TS_OK && (*left)-- <= 0 ? TS_E_NOMEM : e;
}

static void arguments_that_cannot_be_read_are_lost(void **state)
{
    (void)state;
    for (int left = 0; left < 2; left++) {
        int n = left;
        const struct prov_saying s = {.ctx = &n, .walk = failing};
        struct ran r = {.call = prov_task_began(k)};

        r.said = prov_task_says(k, &s);
        assert_int_equal(r.said, PROV_SAID_LOST);
        end(r, &text, "anything");
        assert_int_equal(source("anything"), PROV_UNTRUSTED);
    }
}

static void call_that_says_nothing_has_no_name(void **state)
{
    static const char *const empty[] = {"", ""};

    (void)state;
    assert_int_equal(begin_with(empty, 0).said, 0);
    assert_int_equal(begin_with(empty, 2).said, 0);
    assert_int_not_equal(begin("x").said, 0);
    assert_true(prov_rules_heed_arguments(&text));
    assert_true(prov_rules_heed_arguments(&vouched));
    assert_true(prov_rules_heed_arguments(&chosen));
    assert_false(prov_rules_heed_arguments(&stranger));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(value_that_a_tool_repeats_is_as_before),
        T(value_that_no_argument_has_is_trusted),
        T(what_a_tool_adds_is_its_word),
        T(text_around_a_repeated_address_is_not_trusted),
        T(tool_that_vouches_is_believed),
        T(selector_that_repeats_does_not_select),
        T(id_is_repeated_as_a_whole_alone),
        T(value_from_elsewhere_stays_trusted),
        T(value_through_many_tools_is_as_before),
        T(order_of_calls_changes_nothing),
        T(handle_to_what_a_tool_repeats_is_as_before),
        T(same_arguments_again_cost_nothing),
        T(value_of_very_many_calls_is_not_better),
        T(arguments_that_do_not_fit_cost_the_trust),
        T(call_of_a_dropped_task_is_not_believed),
        T(without_memory_nothing_gets_better),
        T(arguments_that_cannot_be_read_are_lost),
        T(call_that_says_nothing_has_no_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
