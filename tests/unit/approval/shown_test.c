/* A person is shown what is signed: no two questions that differ in what runs,
 * for whom, or in what is told of it look the same. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/mp_write.h"
#include "sidecar/question/screen.h"
#include "sidecar/question/view.h"
#include "tests/unit/trust/approval_world.h"

static struct approval_world w;
static struct ts_buf object, out;
static uint8_t args[512];
static struct ts_buf context;

static void put_args(void)
{
    struct mp_writer m;
    size_t n = 0;

    mp_writer_init(&m, args, sizeof(args));
    mp_write_map(&m, 5);
    mp_write_cstr(&m, "to");
    mp_write_array(&m, 2);
    mp_write_cstr(&m, "bob@example.com");
    mp_write_cstr(&m, "b\xc3\xb6rse\x1b[2J\n");
    mp_write_cstr(&m, "sum");
    mp_write_uint(&m, 250000);
    mp_write_cstr(&m, "low");
    mp_write_int(&m, -70000);
    mp_write_cstr(&m, "raw");
    mp_write_bin(&m, "\x01\x02\x03", 3);
    mp_write_cstr(&m, "now");
    mp_write_bool(&m, true);
    assert_int_equal(mp_written(&m, &n), TS_OK);
    w.ticket.args = (struct ts_bytes){args, n};
}

static void put_context(void)
{
    static struct ticket_context c;

    c = (struct ticket_context){
        .args = {{.arg = TS_STR_LIT("/to/0"),
                  .source = TICKET_SOURCE_UNTRUSTED,
                  .is_new = true,
                  .places = {TS_STR_LIT("mail.read:/*/body")},
                  .place_count = 1,
                  .places_left = 3},
                 {.arg = TS_STR_LIT("/to/1"),
                  .value = TS_STR_LIT("https://evil.example"),
                  .source = TICKET_SOURCE_UNKNOWN}},
        .arg_count = 2,
        .args_left = 2,
        .asked_minute = 4,
        .asked_hour = 9,
        .declared = {TS_STR_LIT("web")},
        .declared_count = 1,
        .declared_left = 2,
        .endorses = {{TS_STR_LIT("to"), TS_STR_LIT("bob@x.example")},
                     {TS_STR_LIT("extra/cc"), TS_STR_LIT("carol@x.example")}},
        .endorses_count = 2,
        .first_tool = true,
        .has_level = true,
        .level = 2,
        .origin = TS_STR_LIT("webhook"),
        .reasons = {TS_STR_LIT("ask the office")},
        .secrets = true,
        .tainted = true,
        .sensitivity = TS_STR_LIT("secret")};
    ts_buf_clear(&context);
    assert_int_equal(ticket_context_encode(&c, &context), TS_OK);
    w.ticket.context = (struct ts_bytes){ts_buf_bytes(&context), context.len};
}

static int setup(void **state)
{
    (void)state;
    approval_world_init(&w);
    ts_buf_init(&object, SIGNED_TICKET_MAX);
    ts_buf_init(&out, SCREEN_OUT_MAX);
    ts_buf_init(&context, TICKET_CONTEXT_MAX);
    put_args();
    put_context();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ts_buf_done(&object);
    ts_buf_done(&out);
    ts_buf_done(&context);
    approval_world_done(&w);
    return 0;
}

/* Without the id, which differs whenever anything does: it must not be that
 * alone by which a person could see it. False: nothing is shown at all. */
static bool screen_of(struct ts_bytes obj, char *to, size_t cap)
{
    static struct approval_view v;
    const struct approval_show h = {.term = {"", "", "", "", "", "", ""},
                                    .width = 100,
                                    .utf8 = true,
                                    .all = true,
                                    .now_s = AP_NOW};
    const char *why = NULL;
    size_t cut = 0;

    if (!approval_view_read(obj, &v, &why))
        return false;
    memset(v.id, 0, sizeof(v.id));
    ts_buf_clear(&out);
    assert_int_equal(approval_render(&v, &h, &out, &cut), TS_OK);
    assert_int_equal(cut, 0);
    assert_true(out.len < cap);
    memcpy(to, ts_buf_bytes(&out), out.len);
    to[out.len] = '\0';
    return true;
}

struct part { /* of the body, that no screen has */
    const uint8_t *bytes;
    size_t len;
};

/* The number of a call, those of blocks and rules that the ticket rests on, and
 * the second in which it was asked are for the sidecar: they say nothing of
 * what runs. */
static bool is_not_for_people(const uint8_t *body, size_t len, size_t at)
{
    const struct part parts[] = {
        {w.ticket.call_id, sizeof(w.ticket.call_id)},
        {w.ticket.block_id, sizeof(w.ticket.block_id)},
    };

    /* at the end: created and expires, five bytes each, and the epoch's one */
    if (at == len - 1 || (at + 11 >= len && at + 6 < len))
        return true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const uint8_t *p = memmem(body, len, parts[i].bytes, parts[i].len);

        if (p != NULL && at >= (size_t)(p - body) &&
            at < (size_t)(p - body) + parts[i].len)
            return true;
    }
    return false;
}

static void every_bit_that_is_signed_is_seen(void **state)
{
    static char good[1u << 16], other[1u << 16];
    uint8_t copy[4096];
    size_t body, len, shown = 0;
    struct ts_bytes obj;

    (void)state;
    approval_world_ticket(&w);
    len = w.ticket_body.len;
    assert_int_equal(
        ticket_sign((struct ts_bytes){ts_buf_bytes(&w.ticket_body), len},
                    &w.sidecar, &object),
        TS_OK);
    assert_true(object.len <= sizeof(copy));
    memcpy(copy, ts_buf_bytes(&object), object.len);
    obj = (struct ts_bytes){copy, object.len};
    body = (size_t)((uint8_t *)memmem(copy, object.len,
                                      ts_buf_bytes(&w.ticket_body), len) -
                    copy);
    assert_true(screen_of(obj, good, sizeof(good)));
    for (size_t bit = 0; bit < len * 8; bit++) {
        uint8_t *p = &copy[body + bit / 8];

        *p ^= (uint8_t)(1u << bit % 8);
        if (screen_of(obj, other, sizeof(other))) {
            shown++;
            if (strcmp(good, other) == 0 &&
                !is_not_for_people(ts_buf_bytes(&w.ticket_body), len, bit / 8))
                fail_msg("bit %zu of byte %zu of the ticket shows nowhere",
                         bit % 8, bit / 8);
        }
        *p ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(shown > 1000); /* the rest is no ticket any more */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(every_bit_that_is_signed_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
