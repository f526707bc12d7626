/* What people let through: the same use under every spelling, no other one, how
 * long it holds, and how much there is room for. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/gate/provenance/endorsed.h"
#include "sidecar/gate/provenance/task.h"
#include "tests/lib/fault_mem.h"

#define T TS_STR_LIT

static const struct endorsed_by tenant = {.call = 7, .sets = ENDORSED_TENANT};

static struct endorsed_use mail(const char *text)
{
    return (struct endorsed_use){.who = T("0123456789abcdef0123456789abcdef"),
                                 .tool = T("mail.send"),
                                 .arg = T("to"),
                                 .kind = PROV_TEXT,
                                 .text = ts_str_of(text)};
}

static struct endorsed *made(void)
{
    struct endorsed *e;

    assert_int_equal(endorsed_new(&e), TS_OK);
    return e;
}

static bool same(struct endorsed *e, const struct endorsed_use *a,
                 const struct endorsed_use *b)
{
    struct endorsed_id x, y;

    assert_int_equal(endorsed_name(e, a, &x), TS_OK);
    assert_int_equal(endorsed_name(e, b, &y), TS_OK);
    return memcmp(&x, &y, sizeof(x)) == 0;
}

static void spellings_of_a_value_are_one(void **state)
{
    static const struct {
        enum prov_kind kind;
        bool exact, same;
        const char *a, *b;
    } rows[] = {
        {PROV_TEXT, false, true, "bob@x.example", " BOB@X.Example\t"},
        {PROV_TEXT, false, true, "Bob  Smith", "bob\nsmith"},
        {PROV_TEXT, false, true, "https://x.example/a/", "x.example/a"},
        {PROV_TEXT, false, false, "bob@x.example", "bob@x.example.co"},
        {PROV_TEXT, false, false, "bob@x.example", "b ob@x.example"},
        {PROV_TEXT, false, false, "bob@x.example",
         "b\xd0\xbe"
         "b@x.example"},
        {PROV_TEXT, true, false, "/srv/A", "/srv/a"},
        {PROV_TEXT, true, false, "https://x.example/a", "http://x.example/a"},
        {PROV_TEXT, true, true, "/srv/a", "/srv/a"},
        {PROV_NUMBER, false, true, "1200", "1,200.00"},
        {PROV_NUMBER, false, true, "1.2e3", "1200"},
        {PROV_NUMBER, false, false, "1200", "-1200"},
        {PROV_NUMBER, false, false, "1200", "120"},
        {PROV_NUMBER, false, false, "12", "0.12"},
        {PROV_NUMBER, true, true, "12", "12.0"},
        {PROV_ID, false, false, "Ab1", "ab1"},
        {PROV_ID, false, true, "ab1", "ab1"},
    };
    struct endorsed *e = made();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct endorsed_use a = mail(rows[i].a), b = mail(rows[i].b);

        a.kind = b.kind = rows[i].kind;
        a.is_exact = b.is_exact = rows[i].exact;
        if (same(e, &a, &b) != rows[i].same)
            fail_msg("row %zu: \"%s\" and \"%s\"", i, rows[i].a, rows[i].b);
    }
    endorsed_free(e);
}

/* Every part of a use but one the same; and none runs into the next one. */
static void another_use_is_another(void **state)
{
    struct endorsed_use base = mail("bob@x.example"), other[9];
    struct endorsed *e = made(), *apart = made();
    struct endorsed_id x, y;

    (void)state;
    for (size_t i = 0; i < 9; i++)
        other[i] = base;
    other[0].who = T("0123456789abcdef0123456789abcdeF");
    other[1].tool = T("mail.sen");
    other[2].arg = T("cc");
    other[3].inside = T("/0");
    other[4].is_key = true;
    other[5].kind = PROV_ID;
    other[6].is_exact = true;
    other[7].tool = T("mail.sendt"); /* the bytes of all parts together are */
    other[7].arg = T("o");           /* those of base */
    other[8].arg = T("t");
    other[8].inside = T("o");
    for (size_t i = 0; i < 9; i++)
        if (same(e, &base, &other[i]))
            fail_msg("use %zu", i);
    /* names of one table are nothing in another */
    assert_int_equal(endorsed_name(e, &base, &x), TS_OK);
    assert_int_equal(endorsed_name(apart, &base, &y), TS_OK);
    assert_memory_not_equal(&x, &y, sizeof(x));
    endorsed_free(e);
    endorsed_free(apart);
}

static void what_cannot_be_shown_whole_has_no_name(void **state)
{
    static char text[ENDORSED_TEXT_MAX + 1], arg[ENDORSED_POINT_MAX + 1];
    struct endorsed_use u = mail("");
    struct endorsed *e = made();
    struct endorsed_id id;

    (void)state;
    memset(text, 'x', sizeof(text));
    memset(arg, 'x', sizeof(arg));
    assert_int_equal(endorsed_name(e, &u, &id), TS_E_INVALID);
    u.text = T(" \n ");
    assert_int_equal(endorsed_name(e, &u, &id), TS_E_INVALID);
    u.text = T("https://");
    assert_int_equal(endorsed_name(e, &u, &id), TS_E_INVALID);
    u.text = T("\xff");
    assert_int_equal(endorsed_name(e, &u, &id), TS_E_INVALID);
    u.text = (struct ts_str){.ptr = text, .len = ENDORSED_TEXT_MAX + 1};
    assert_int_equal(endorsed_name(e, &u, &id), TS_E_INVALID);
    u.text.len--;
    assert_int_equal(endorsed_name(e, &u, &id), TS_OK);
    u.arg = (struct ts_str){.ptr = arg, .len = ENDORSED_POINT_MAX};
    assert_int_equal(endorsed_name(e, &u, &id), TS_OK);
    u.inside = T("/");
    assert_int_equal(endorsed_name(e, &u, &id), TS_E_INVALID);
    endorsed_free(e);
}

static void sets_are_added_and_a_call_is_the_last_that_did(void **state)
{
    const struct endorsed_by block = {.call = 9, .sets = ENDORSED_BLOCK(0)};
    const struct endorsed_by none = {.call = 0, .sets = ENDORSED_TENANT};
    const struct endorsed_use u = mail("bob@x.example");
    struct endorsed *e = made();
    struct endorsed_by by;
    struct endorsed_id id;

    (void)state;
    assert_int_equal(endorsed_name(e, &u, &id), TS_OK);
    assert_int_equal(endorsed_find(e, &id).sets, 0);
    assert_false(endorsed_add(e, &id, &none));
    assert_true(endorsed_add(e, &id, &tenant));
    assert_false(endorsed_add(e, &id, &tenant));
    assert_true(endorsed_add(e, &id, &block));
    by = endorsed_find(e, &id);
    assert_int_equal(by.call, 9);
    assert_int_equal(by.sets, ENDORSED_TENANT | ENDORSED_BLOCK(0));
    assert_int_equal(endorsed_count(e), 1);
    endorsed_free(e);
}

static void a_full_table_takes_no_more_and_forgets_nothing(void **state)
{
    const struct endorsed_by block = {.call = 9, .sets = ENDORSED_BLOCK(3)};
    struct endorsed *e = made();
    struct endorsed_use first = mail("u0@x.example");
    struct endorsed_id id;
    char text[32];

    (void)state;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 2 * ENDORSED_MAX; i++) {
            struct endorsed_use u;

            (void)snprintf(text, sizeof(text), "u%u@x.example", i);
            u = mail(text);
            assert_int_equal(endorsed_name(e, &u, &id), TS_OK);
            if (round == 0)
                assert_int_equal(endorsed_add(e, &id, &tenant),
                                 i < ENDORSED_MAX);
            assert_int_equal(endorsed_find(e, &id).call,
                             i < ENDORSED_MAX ? 7 : 0);
        }
    assert_int_equal(endorsed_count(e), ENDORSED_MAX);
    assert_false(endorsed_add(e, &id, &block));
    assert_int_equal(endorsed_name(e, &first, &id), TS_OK);
    assert_true(endorsed_add(e, &id, &block)); /* it has its place */
    endorsed_free(e);
}

/* ---- of a task
 * --------------------------------------------------------------- */

static struct prov_task *task_of(struct prov_tasks *all, const char *name,
                                 const char *id)
{
    const struct prov_grant g = {.tenant = ts_str_of(name),
                                 .grant_id = (const uint8_t *)id,
                                 .issued_s = 100,
                                 .expires_s = 200};
    struct prov_task *k;

    assert_int_equal(prov_tasks_open(all, &g, 100, 100, &k), TS_OK);
    (void)prov_task_began(k); /* it is not forgotten with its last session */
    return k;
}

static bool let(struct prov_task *k, uint64_t epoch,
                const struct endorsed_use *u)
{
    struct endorsed_id id;
    uint64_t serial;

    assert_int_equal(prov_task_endorse_name(k, epoch, u, &id, &serial), TS_OK);
    return prov_task_endorse(k, &id, serial, &tenant);
}

static void a_task_has_its_own_until_its_epoch_ends(void **state)
{
    const struct endorsed_use u = mail("bob@x.example");
    struct prov_tasks *all;
    struct prov_task *a, *b, *c;
    struct endorsed_id id;
    uint64_t serial;

    (void)state;
    assert_int_equal(prov_tasks_new(PROV_STORE_BYTES, &all), TS_OK);
    a = task_of(all, "acme", "grant-of-sixteen");
    b = task_of(all, "acme", "another-sixteen!");
    c = task_of(all, "evil", "grant-of-sixteen");
    assert_false(prov_task_endorses(a));
    assert_int_equal(prov_task_endorsed(a, &u).sets, 0);
    assert_true(let(a, 1, &u));
    assert_true(let(c, 1, &u));
    assert_int_equal(prov_task_endorsed(a, &u).call, 7);
    assert_int_equal(prov_task_endorsed(b, &u).sets, 0);
    prov_task_endorse_under(a, 1);
    assert_int_equal(prov_task_endorsed(a, &u).call, 7);
    /* what was under way when it ended does not enter */
    assert_int_equal(prov_task_endorse_name(a, 1, &u, &id, &serial), TS_OK);
    prov_task_endorse_under(a, 2);
    assert_int_equal(prov_task_endorsed(a, &u).sets, 0);
    assert_false(prov_task_endorse(a, &id, serial, &tenant));
    assert_true(let(a, 2, &u));
    assert_false(prov_task_endorse(a, &id, serial, &tenant));
    /* a name under another epoch ends it, too */
    assert_int_equal(prov_task_endorse_name(a, 3, &u, &id, &serial), TS_OK);
    assert_int_equal(prov_task_endorsed(a, &u).sets, 0);
    assert_true(prov_task_endorse(a, &id, serial, &tenant));
    assert_int_equal(prov_tasks_unendorse(all, T("acme")), 1);
    assert_false(prov_task_endorse(a, &id, serial, &tenant));
    assert_int_equal(prov_task_endorsed(a, &u).sets, 0);
    assert_int_equal(prov_task_endorsed(c, &u).call, 7);
    prov_task_close(a);
    prov_task_close(b);
    prov_task_close(c);
    prov_tasks_free(all);
}

/* One that has to make room drops what people let through with the rest. */
static void a_task_that_is_lost_has_nothing_let_through(void **state)
{
    const struct prov_output_rules r = {.is_json = false};
    static char text[256 << 10];
    const struct endorsed_use u = mail("bob@x.example");
    struct prov_tasks *all;
    struct prov_task *a, *b;
    struct endorsed_id id;
    uint64_t serial;

    (void)state;
    memset(text, 'y', sizeof(text));
    assert_int_equal(prov_tasks_new(400u << 10, &all), TS_OK);
    a = task_of(all, "acme", "grant-of-sixteen");
    b = task_of(all, "acme", "another-sixteen!");
    assert_true(let(a, 1, &u));
    assert_int_equal(prov_task_endorse_name(a, 1, &u, &id, &serial), TS_OK);
    for (uint32_t i = 1; !prov_task_taint(a).lost && i < 8; i++) {
        const struct prov_output o = {.call = i,
                                      .tool = T("t"),
                                      .rules = &r,
                                      .bytes = {text, sizeof(text)},
                                      .is_whole = true};

        text[i] = 'z';
        (void)prov_task_output(b, &o);
    }
    assert_true(prov_task_taint(a).lost);
    assert_false(prov_task_endorses(a));
    assert_false(prov_task_endorse(a, &id, serial, &tenant));
    prov_task_close(a);
    prov_task_close(b);
    prov_tasks_free(all);
}

static ts_err all_of_it(const void *arg)
{
    const struct endorsed_use u = mail("Bob@X.example");
    const struct prov_grant g = {.tenant = T("acme"),
                                 .grant_id =
                                     (const uint8_t *)"grant-of-sixteen",
                                 .issued_s = 100,
                                 .expires_s = 200};
    struct prov_tasks *all;
    struct prov_task *k;
    struct endorsed_id id;
    uint64_t serial;
    ts_err e = prov_tasks_new(PROV_STORE_BYTES, &all);

    (void)arg;
    if (e != TS_OK)
        return e;
    e = prov_tasks_open(all, &g, 100, 100, &k);
    if (e == TS_OK) {
        e = prov_task_endorse_name(k, 1, &u, &id, &serial);
        if (e == TS_OK)
            assert_true(prov_task_endorse(k, &id, serial, &tenant));
        else /* nothing is let through by half */
            assert_int_equal(prov_task_endorsed(k, &u).sets, 0);
        prov_task_close(k);
    }
    prov_tasks_free(all);
    return e;
}

static void without_memory_nothing_is_let_through(void **state)
{
    (void)state;
    fault_mem_sweep(all_of_it, NULL, TS_OK, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_of_a_value_are_one),
        cmocka_unit_test(another_use_is_another),
        cmocka_unit_test(what_cannot_be_shown_whole_has_no_name),
        cmocka_unit_test(sets_are_added_and_a_call_is_the_last_that_did),
        cmocka_unit_test(a_full_table_takes_no_more_and_forgets_nothing),
        cmocka_unit_test(a_task_has_its_own_until_its_epoch_ends),
        cmocka_unit_test(a_task_that_is_lost_has_nothing_let_through),
        cmocka_unit_test(without_memory_nothing_is_let_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
