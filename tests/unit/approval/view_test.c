/* A question as a screen: from signed bytes alone, whole, within memory. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/mp_write.h"
#include "sidecar/gate/people/sensitivity.h"
#include "sidecar/question/screen.h"
#include "sidecar/question/view.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/trust/approval_world.h"

static struct approval_world w;
static struct ts_buf object, out;
static uint8_t args[TICKET_ARGS_MAX];

static int setup(void **state)
{
    (void)state;
    approval_world_init(&w);
    ts_buf_init(&object, SIGNED_TICKET_MAX);
    ts_buf_init(&out, SCREEN_OUT_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_buf_done(&object);
    ts_buf_done(&out);
    approval_world_done(&w);
    return 0;
}

static struct ts_bytes signed_ticket(void)
{
    approval_world_ticket(&w);
    ts_buf_clear(&object);
    assert_int_equal(ticket_sign((struct ts_bytes){ts_buf_bytes(&w.ticket_body),
                                                   w.ticket_body.len},
                                 &w.sidecar, &object),
                     TS_OK);
    return (struct ts_bytes){ts_buf_bytes(&object), object.len};
}

static struct approval_show how(bool all)
{
    return (struct approval_show){.term = {"", "", "", "", "", "", ""},
                                  .width = 80,
                                  .utf8 = true,
                                  .all = all,
                                  .now_s = AP_NOW};
}

static void no_bit_of_a_question_may_be_turned(void **state)
{
    static struct approval_view v;
    const char *why = NULL;
    uint8_t copy[2048];
    struct ts_bytes good = signed_ticket();

    (void)state;
    assert_true(good.len <= sizeof(copy));
    assert_true(approval_view_open(good, w.sidecar.pk, &v, &why));
    assert_memory_equal(v.id, w.ticket_id, sizeof(v.id));
    assert_false(approval_view_open(good, w.key[AP_BOB].pk, &v, &why));
    assert_non_null(strstr(why, "not signed by the sidecar"));
    memcpy(copy, good.ptr, good.len);
    for (size_t n = 0; n < good.len; n++)
        assert_false(approval_view_open((struct ts_bytes){copy, n},
                                        w.sidecar.pk, &v, &why));
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(approval_view_open((struct ts_bytes){copy, good.len},
                                        w.sidecar.pk, &v, &why));
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* {"a": [[[...1 ones...]]]} and a text, as large as arguments may be. */
static void set_args(size_t text, uint32_t ones)
{
    struct mp_writer m;
    size_t n = 0;
    static char letters[TICKET_ARGS_MAX];

    memset(letters, 0x1b, sizeof(letters)); /* the longest when escaped */
    mp_writer_init(&m, args, sizeof(args));
    mp_write_map(&m, 2);
    mp_write_cstr(&m, "text");
    mp_write_str(&m, letters, text);
    mp_write_cstr(&m, "ones");
    mp_write_array(&m, ones);
    for (uint32_t i = 0; i < ones; i++)
        mp_write_uint(&m, 1);
    assert_int_equal(mp_written(&m, &n), TS_OK);
    w.ticket.args = (struct ts_bytes){args, n};
}

static size_t rendered(bool all)
{
    static struct approval_view v;
    const struct approval_show h = how(all);
    const char *why = NULL;
    size_t cut = 0;

    ts_buf_clear(&out);
    assert_true(approval_view_open(signed_ticket(), w.sidecar.pk, &v, &why));
    assert_int_equal(approval_render(&v, &h, &out, &cut), TS_OK);
    assert_int_equal(ts_buf_append(&out, "", 1), TS_OK);
    return cut;
}

static size_t count(const char *what)
{
    const char *p = (const char *)ts_buf_bytes(&out);
    size_t n = 0;

    for (; (p = strstr(p, what)) != NULL; p += strlen(what))
        n++;
    return n;
}

static void
the_largest_arguments_are_shown_whole_or_cut_and_counted(void **state)
{
    (void)state;
    set_args(7000, 8000);
    assert_int_equal(rendered(true), 0);
    assert_int_equal(count("\\x1b"), 7000);
    assert_int_equal(count(": 1\n"), 8000);
    assert_true(rendered(false) > 0);
    assert_int_equal(count("\\x1b"), APPROVAL_VALUE_MAX);
    assert_int_equal(count(" more bytes"), 1);
    assert_true(count(": 1\n") <= APPROVAL_VALUES_MAX);
    set_args(APPROVAL_VALUE_MAX, 10);
    assert_int_equal(rendered(false), 0);
    set_args(APPROVAL_VALUE_MAX + 1, 10);
    assert_int_equal(rendered(false), 1);
}

static ts_err json_once(const void *arg)
{
    json_t *j = approval_json(arg);

    json_decref(j);
    return j != NULL ? TS_OK : TS_E_NOMEM;
}

static void json_says_the_same_and_needs_memory(void **state)
{
    static struct approval_view v;
    const char *why = NULL;
    json_t *j, *a;

    (void)state;
    set_args(3, 2);
    assert_true(approval_view_open(signed_ticket(), w.sidecar.pk, &v, &why));
    j = approval_json(&v);
    assert_non_null(j);
    a = json_object_get(j, "args");
    assert_string_equal(json_string_value(json_object_get(a, "text")),
                        "\x1b\x1b\x1b");
    assert_int_equal(json_array_size(json_object_get(a, "ones")), 2);
    assert_string_equal(json_string_value(json_object_get(j, "user")), "alice");
    json_decref(j);
    json_set_alloc_funcs(ts_mem_alloc, ts_mem_free);
    fault_mem_sweep(json_once, &v, TS_OK, 50);
    json_set_alloc_funcs(malloc, free);
}

/* The labels are the gate's own words. */
static void upper_labels_are_pointed_out(void **state)
{
    static struct approval_view v;
    const char *why = NULL;

    (void)state;
    set_args(3, 2);
    for (uint32_t level = 0; level <= SENSITIVITY_SECRET; level++) {
        const struct approval_show h = how(false);
        size_t cut = 0;

        assert_true(
            approval_view_open(signed_ticket(), w.sidecar.pk, &v, &why));
        v.context.sensitivity = sensitivity_name(level);
        ts_buf_clear(&out);
        assert_int_equal(approval_render(&v, &h, &out, &cut), TS_OK);
        assert_int_equal(ts_buf_append(&out, "", 1), TS_OK);
        assert_int_equal(count("the resource is labelled "),
                         level >= SENSITIVITY_CONFIDENTIAL);
        assert_int_equal(count(v.context.sensitivity.ptr),
                         level >= SENSITIVITY_CONFIDENTIAL ? 2 : 1);
    }
}

static ts_err render_once(const void *arg)
{
    const struct approval_view *v = arg;
    const struct approval_show h = how(false);
    struct ts_buf b;
    size_t cut = 0;
    ts_err e;

    ts_buf_init(&b, SCREEN_OUT_MAX);
    e = approval_render(v, &h, &b, &cut);
    ts_buf_done(&b);
    return e == TS_E_LIMIT ? TS_E_NOMEM : e;
}

static void without_memory_there_is_no_screen(void **state)
{
    static struct approval_view v;
    const char *why = NULL;

    (void)state;
    set_args(600, 3);
    assert_true(approval_view_open(signed_ticket(), w.sidecar.pk, &v, &why));
    fault_mem_sweep(render_once, &v, TS_OK, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bit_of_a_question_may_be_turned),
        cmocka_unit_test(
            the_largest_arguments_are_shown_whole_or_cut_and_counted),
        cmocka_unit_test(json_says_the_same_and_needs_memory),
        cmocka_unit_test(upper_labels_are_pointed_out),
        cmocka_unit_test(without_memory_there_is_no_screen),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
