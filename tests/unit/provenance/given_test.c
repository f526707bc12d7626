/* What was kept back and went into a call by a handle: once that call's output
 * is shown it counts as shown, and what repeats it is no better. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/gate/provenance/task.h"
#include "tests/lib/fault_mem.h"

#define EVIL "mallory@evil.example"

static struct prov_tasks *all;
static struct prov_task *k;

static int setup(void **state)
{
    static const uint8_t id[16] = "grant";
    const struct prov_grant g = {.tenant = TS_STR_LIT("acme"),
                                 .grant_id = id,
                                 .issued_s = 1000,
                                 .expires_s = 1100};

    (void)state;
    k = NULL;
    return prov_tasks_new(PROV_STORE_BYTES, &all) == TS_OK &&
                   prov_tasks_open(all, &g, 1000, 1000, &k) == TS_OK
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

static const struct ts_str body[] = {{.ptr = "/body", .len = 5}};
static const struct ts_str pin[] = {{.ptr = "/pin", .len = 4}};
static const struct prov_output_rules mail = {.is_json = true,
                                              .is_trusted = true,
                                              .untrusted = {body, 1},
                                              .secret = {pin, 1},
                                              .level = PROV_PRIVATE};
static const struct prov_output_rules echo = {.is_json = true,
                                              .is_trusted = true};

/* A kept mail; its number. */
static uint32_t kept_mail(void)
{
    const struct prov_output o = {
        .call = prov_task_began(k),
        .tool = TS_STR_LIT("mail"),
        .rules = &mail,
        .bytes = TS_STR_LIT("{\"from\": \"bob@x.example\", \"body\": \"" EVIL
                            "\", \"pin\": \"hunter22\"}"),
        .is_whole = true,
        .is_withheld = true};

    assert_int_equal(prov_task_output(k, &o), PROV_OUTPUT_KEPT);
    return o.call;
}

static struct prov_given_one handle(uint32_t call, const char *pointer)
{
    struct prov_handle h;

    assert_int_equal(prov_task_handle(k, call, ts_str_of(pointer), &h), TS_OK);
    return (struct prov_given_one){.call = call,
                                   .pointer = ts_str_of(pointer),
                                   .source = h.seen.source,
                                   .level = h.seen.level,
                                   .is_sealed = h.is_sealed};
}

static ts_err say(void *ctx, ts_err (*sink)(void *to, struct ts_str text),
                  void *to)
{
    return sink(to, ts_str_of(ctx));
}

/* A call that was given text by g and prints it. */
static uint32_t echoed(char *text, const struct prov_given *g, bool shown)
{
    const struct prov_saying s = {.ctx = text, .walk = say};
    struct prov_output o = {.call = prov_task_began(k),
                            .tool = TS_STR_LIT("echo"),
                            .rules = &echo,
                            .given = g,
                            .is_whole = true,
                            .is_withheld = !shown};
    char json[64];

    (void)snprintf(json, sizeof(json), "{\"text\": \"%s\"}", text);
    o.bytes = ts_str_of(json);
    o.said = prov_task_says(k, &s);
    if (shown) {
        prov_task_shows(k, &echo);
        prov_task_reveals(k, g);
    }
    (void)prov_task_output(k, &o);
    return o.call;
}

static struct prov_seen seen(const char *value)
{
    struct prov_seen s;

    prov_task_find(k, PROV_TEXT, ts_str_of(value), &s);
    return s;
}

static void value_that_was_kept_is_unknown_until_it_is_shown(void **state)
{
    const struct prov_given_one one = handle(kept_mail(), "/body");
    const struct prov_given *g = prov_given_new(&one, 1);
    char evil[] = EVIL;

    (void)state;
    assert_int_equal(seen(EVIL).source, PROV_UNKNOWN);
    assert_false(prov_task_taint(k).untrusted);
    (void)echoed(evil, g, true);
    assert_int_equal(seen(EVIL).source, PROV_UNTRUSTED);
    assert_int_equal(seen("bob@x.example").source, PROV_UNKNOWN);
    assert_true(prov_task_taint(k).untrusted);
    assert_int_equal(prov_task_taint(k).level, PROV_PRIVATE);
    prov_given_free(g);
}

static void secret_that_was_kept_is_known_once_it_may_be_printed(void **state)
{
    struct prov_given_one one = handle(kept_mail(), "/pin");
    const struct prov_given *g = prov_given_new(&one, 1);
    char text[] = "hunter22";

    (void)state;
    assert_false(prov_task_secrets_in(k, TS_STR_LIT("it is hunter22")));
    (void)echoed(text, g, true);
    assert_true(prov_task_secrets_in(k, TS_STR_LIT("it is hunter22")));
    assert_int_equal(prov_task_taint(k).level, PROV_SECRET);
    prov_given_free(g);
}

/* A tool that is shown although a sealed secret went into it does not print it,
 * as the operator says. */
static void sealed_secret_is_not_taken_for_shown(void **state)
{
    struct prov_given_one one = handle(kept_mail(), "/pin");
    const struct prov_given *g;
    char text[] = "done";

    (void)state;
    one.is_sealed = true;
    g = prov_given_new(&one, 1);
    (void)echoed(text, g, true);
    assert_false(prov_task_secrets_in(k, TS_STR_LIT("it is hunter22")));
    assert_int_equal(prov_task_taint(k).level, PROV_PUBLIC);
    prov_given_free(g);
}

static void handle_to_what_repeats_a_handle_is_no_better(void **state)
{
    struct prov_given_one one = handle(kept_mail(), "/body");
    char evil[] = EVIL;

    (void)state;
    for (int i = 0; i < 4; i++) {
        const struct prov_given *g = prov_given_new(&one, 1);

        one = handle(echoed(evil, g, false), "/text");
        assert_int_equal(one.source, PROV_UNTRUSTED);
        assert_int_equal(one.level, PROV_PRIVATE);
        prov_given_free(g);
    }
    assert_false(prov_task_taint(k).untrusted); /* nothing was shown */
}

static void what_is_not_kept_any_more_may_be_anything(void **state)
{
    const struct prov_given_one one = handle(kept_mail(), "/body");
    const struct prov_given *g = prov_given_new(&one, 1);
    char evil[] = EVIL;

    (void)state;
    for (int i = 0; i < 64; i++)
        (void)kept_mail();
    (void)echoed(evil, g, true);
    assert_int_equal(seen(EVIL).source, PROV_UNTRUSTED);
    assert_int_equal(seen("whatever").source, PROV_UNTRUSTED);
    assert_true(prov_task_taint(k).untrusted);
    prov_given_free(g);
}

static void copy_outlives_what_it_was_made_of(void **state)
{
    char pointer[] = "/body";
    struct prov_given_one list[PROV_GIVEN_MAX + 1] = {
        {.call = 7,
         .pointer = {.ptr = pointer, .len = 5},
         .source = PROV_TRUSTED},
        {.call = 8, .source = PROV_UNTRUSTED, .level = PROV_INTERNAL}};
    const struct prov_given *g = prov_given_new(list, 2);

    (void)state;
    memset(pointer, 'x', 5);
    assert_true(ts_str_eq_c(g->list[0].pointer, "/body"));
    assert_int_equal(g->list[1].pointer.len, 0);
    assert_true(prov_given_is_untrusted(g));
    assert_int_equal(prov_given_level(g), PROV_INTERNAL);
    prov_given_free(g);
    assert_null(prov_given_new(list, 0));
    assert_false(prov_given_is_untrusted(NULL));
    assert_int_equal(prov_given_level(NULL), PROV_PUBLIC);
    g = prov_given_new(list, PROV_GIVEN_MAX + 1);
    assert_true(g->is_lost && prov_given_is_untrusted(g));
    assert_int_equal(prov_given_level(g), PROV_SECRET);
    prov_given_free(g);
}

static void without_memory_nothing_gets_better(void **state)
{
    bool fired = true;

    (void)state;
    for (int nth = 0; fired; nth++)
        for (int persistent = 0; persistent < 2; persistent++) {
            const struct prov_given *g;
            struct prov_given_one one;
            char evil[] = EVIL;

            (void)teardown(NULL);
            assert_int_equal(setup(NULL), 0);
            one = handle(kept_mail(), "/body");
            fault_mem_arm(nth, persistent == 1);
            g = prov_given_new(&one, 1);
            (void)echoed(evil, g, true);
            fired = fault_mem_fired();
            fault_mem_disarm();
            assert_int_equal(seen(EVIL).source, PROV_UNTRUSTED);
            assert_true(prov_task_taint(k).untrusted);
            assert_true(prov_task_taint(k).level >= PROV_PRIVATE);
            prov_given_free(g);
        }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(value_that_was_kept_is_unknown_until_it_is_shown),
        T(secret_that_was_kept_is_known_once_it_may_be_printed),
        T(sealed_secret_is_not_taken_for_shown),
        T(handle_to_what_repeats_a_handle_is_no_better),
        T(what_is_not_kept_any_more_may_be_anything),
        T(copy_outlives_what_it_was_made_of),
        T(without_memory_nothing_gets_better),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
