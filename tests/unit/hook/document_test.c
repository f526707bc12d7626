/* What a command reads: one line of ASCII, whatever an agent has written. */
#include "tests/lib/ts_test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/mp_write.h"
#include "sidecar/hook/document.h"
#include "sidecar/question/screen.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/trust/approval_world.h"

static struct approval_world w;
static struct ts_buf object, out;

static int setup(void **state)
{
    (void)state;
    approval_world_init(&w);
    ts_buf_init(&object, SIGNED_TICKET_MAX);
    ts_buf_init(&out, HOOK_DOCUMENT_MAX);
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

static struct hook_job pending(void)
{
    struct hook_job j = {.event = HOOK_PENDING, .more = 37};

    approval_world_ticket(&w);
    ts_buf_clear(&object);
    assert_int_equal(ticket_sign((struct ts_bytes){ts_buf_bytes(&w.ticket_body),
                                                   w.ticket_body.len},
                                 &w.sidecar, &object),
                     TS_OK);
    j.object = (void *)(uintptr_t)ts_buf_bytes(&object);
    j.object_len = object.len;
    memset(j.decision_id, 0xab, sizeof(j.decision_id));
    memcpy(j.tenant, "acme", 4);
    j.tenant_len = 4;
    return j;
}

/* Parsed; every byte of it was printable ASCII, and one newline ends it. */
static json_t *document(const struct hook_job *j)
{
    const char *p;
    json_t *o;

    ts_buf_clear(&out);
    assert_int_equal(hook_document(j, AP_NOW, &out), TS_OK);
    p = (const char *)ts_buf_bytes(&out);
    assert_int_equal(p[out.len - 1], '\n');
    for (size_t i = 0; i + 1 < out.len; i++)
        assert_in_range(p[i], 0x20, 0x7e);
    o = json_loadb(p, out.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(o);
    return o;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    assert_non_null(s);
    return s;
}

static void a_question_says_who_what_and_how_to_answer(void **state)
{
    struct hook_job j = pending();
    json_t *o = document(&j);

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(o, "v")), 1);
    assert_string_equal(text_of(o, "event"), "pending");
    assert_string_equal(text_of(o, "tenant"), "acme");
    assert_string_equal(
        text_of(o, "approve"),
        "tipstaff approvals approve abababababababababababababababab");
    assert_string_equal(
        text_of(o, "deny"),
        "tipstaff approvals deny abababababababababababababababab");
    assert_int_equal(strlen(text_of(o, "ticket_id")), 64);
    assert_int_equal(json_integer_value(json_object_get(o, "more")), 37);
    assert_true(json_array_size(json_object_get(o, "agents")) > 0);
    assert_true(json_array_size(json_object_get(o, "asked")) > 0);
    assert_non_null(strstr(text_of(o, "text"), "A CALL WAITS FOR APPROVAL"));
    assert_non_null(strstr(text_of(o, "text"), "What a yes covers"));
    json_decref(o);
}

static void an_end_says_which_and_why(void **state)
{
    struct hook_job j = {.event = HOOK_WITHDRAWN, .people = 1};
    json_t *o;

    (void)state;
    memcpy(j.why, "revoked", 7);
    j.why_len = 7;
    o = document(&j);
    assert_string_equal(text_of(o, "event"), "withdrawn");
    assert_string_equal(text_of(o, "why"), "revoked");
    assert_int_equal(json_integer_value(json_object_get(o, "people")), 1);
    assert_null(json_object_get(o, "text"));
    json_decref(o);
}

static void what_cannot_be_read_makes_no_document(void **state)
{
    struct hook_job j = pending();

    (void)state;
    for (size_t n = 0; n < object.len; n++) {
        j.object_len = n;
        assert_int_equal(hook_document(&j, AP_NOW, &out), TS_E_FORMAT);
    }
}

static void no_byte_of_a_value_is_one_for_a_terminal(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"\033]0;x\007", "\\x1b]0;x\\x07"},
        {"a\nb\tc\r", "a\\nb\\tc\\r"},
        {"\xe2\x80\xae"
         "fdp",
         "\\u{202e}fdp"},
        {"\xe2\x80\x8b", "\\u{200b}"},
        {"\xc2\x9b"
         "2J",
         "\\u{9b}2J"},
        {"\xff", "\\xff"},
        {"back\\slash", "back\\\\slash"},
        {"\xc3\xa4\xe4\xb8\xad", "\xc3\xa4\xe4\xb8\xad"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char shown[64];

        assert_int_equal(
            screen_escape(ts_str_of(rows[i].in), shown, sizeof(shown)),
            strlen(rows[i].out));
        assert_string_equal(shown, rows[i].out);
    }
}

/* Every length of every room: never over, never half a character or escape. */
static void a_value_is_cut_between_characters(void **state)
{
    static const char in[] = "\xc3\xa4\033\xe4\xb8\xad\xe2\x80\xae"
                             "abcdefgh";
    char whole[64], shown[64];
    size_t len;

    (void)state;
    len = screen_escape(ts_str_of(in), whole, sizeof(whole));
    for (size_t cap = 16; cap <= sizeof(shown); cap++) {
        size_t n = screen_escape(ts_str_of(in), shown, cap);

        assert_true(n < cap);
        assert_int_equal(strlen(shown), n);
        assert_true(ts_utf8_valid(shown, n));
        if (cap > len) {
            assert_string_equal(shown, whole);
            continue;
        }
        assert_string_equal(shown + n - 3, "...");
        assert_memory_equal(shown, whole, n - 3);
    }
}

static ts_err document_once(const void *arg)
{
    struct ts_buf b;
    ts_err e;

    ts_buf_init(&b, HOOK_DOCUMENT_MAX);
    e = hook_document(arg, AP_NOW, &b);
    ts_buf_done(&b);
    return e;
}

/* Neither ours nor the JSON library's. */
static void without_memory_there_is_no_document(void **state)
{
    const struct hook_job asked = pending(),
                          ended = {.event = HOOK_DENIED, .people = 1};

    (void)state;
    json_set_alloc_funcs(ts_mem_alloc, ts_mem_free);
    fault_mem_sweep(document_once, &asked, TS_OK, 50);
    fault_mem_sweep(document_once, &ended, TS_OK, 10);
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_question_says_who_what_and_how_to_answer),
        T(an_end_says_which_and_why),
        T(what_cannot_be_read_makes_no_document),
        T(no_byte_of_a_value_is_one_for_a_terminal),
        T(a_value_is_cut_between_characters),
        T(without_memory_there_is_no_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
