/* What an ssh-agent says: listed, chosen, signed; cut and bent. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "cli/approval/ssh_agent.h"
#include "tests/lib/fault_mem.h"

static struct ts_buf b;

static int setup(void **state)
{
    (void)state;
    ts_buf_init(&b, 1u << 17);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    ts_buf_done(&b);
    return 0;
}

static void put_u32(uint32_t n)
{
    const uint8_t p[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16),
                          (uint8_t)(n >> 8), (uint8_t)n};

    assert_int_equal(ts_buf_append(&b, p, 4), TS_OK);
}

static void put(const void *p, size_t n)
{
    put_u32((uint32_t)n);
    if (n > 0)
        assert_int_equal(ts_buf_append(&b, p, n), TS_OK);
}

static void byte(uint8_t c)
{
    assert_int_equal(ts_buf_append(&b, &c, 1), TS_OK);
}

static struct ts_bytes all(void)
{
    return (struct ts_bytes){ts_buf_bytes(&b), b.len};
}

/* The blob of a key whose bytes are all fill, into out. */
static size_t blob(uint8_t *out, const char *kind, uint8_t fill, bool token)
{
    uint8_t pk[TRUST_PK_LEN];
    size_t n;

    memset(pk, fill, sizeof(pk));
    ts_buf_clear(&b);
    put(kind, strlen(kind));
    put(pk, sizeof(pk));
    if (token)
        put("ssh:", 4);
    n = b.len;
    memcpy(out, ts_buf_bytes(&b), n);
    return n;
}

struct seen {
    unsigned count, stop_after;
    uint8_t first;
    bool tokens;
};

static bool visit(void *ctx, const struct ssh_key *key)
{
    struct seen *s = ctx;

    if (s->count++ == 0)
        s->first = key->pk[0];
    s->tokens = s->tokens || key->is_token;
    return s->count != s->stop_after;
}

static void list(void)
{
    uint8_t one[256], two[256], rsa[256];
    size_t n1 = blob(one, "ssh-ed25519", 0x11, false);
    size_t n2 = blob(two, "sk-ssh-ed25519@openssh.com", 0x22, true);
    size_t n3 = blob(rsa, "ssh-rsa", 0x33, false);

    ts_buf_clear(&b);
    byte(12);
    put_u32(3);
    put(rsa, n3);
    put("rsa", 3);
    put(one, n1);
    put("a \x1b comment", 11);
    put(two, n2);
    put("", 0);
}

static void keys_of_the_two_kinds_are_told(void **state)
{
    struct seen s = {.count = 0};

    (void)state;
    list();
    assert_int_equal(ssh_agent_keys(all(), visit, &s), TS_OK);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.first, 0x11);
    assert_true(s.tokens);
    s = (struct seen){.stop_after = 1};
    assert_int_equal(ssh_agent_keys(all(), visit, &s), TS_OK);
    assert_int_equal(s.count, 1);
}

static void no_and_what_is_no_answer_are_told_apart(void **state)
{
    static const uint8_t no[] = {5}, other[] = {14, 0, 0, 0, 0}, none[] = {12};
    struct seen s = {.count = 0};
    struct ts_bytes got;

    (void)state;
    assert_int_equal(ssh_agent_keys((struct ts_bytes){no, 1}, visit, &s),
                     TS_E_INVALID);
    assert_int_equal(ssh_agent_signature((struct ts_bytes){no, 1}, &got),
                     TS_E_INVALID);
    assert_int_equal(ssh_agent_keys((struct ts_bytes){other, 5}, visit, &s),
                     TS_E_FORMAT);
    assert_int_equal(ssh_agent_signature((struct ts_bytes){other, 5}, &got),
                     TS_E_FORMAT); /* an empty signature */
    assert_int_equal(ssh_agent_keys((struct ts_bytes){none, 1}, visit, &s),
                     TS_E_FORMAT);
    assert_int_equal(ssh_agent_keys((struct ts_bytes){NULL, 0}, visit, &s),
                     TS_E_FORMAT);
    assert_int_equal(s.count, 0);
}

static void a_list_that_is_cut_or_too_long_is_refused(void **state)
{
    uint8_t copy[1024];
    size_t len;

    (void)state;
    list();
    len = b.len;
    memcpy(copy, ts_buf_bytes(&b), len);
    for (size_t n = 0; n < len; n++) {
        struct seen s = {.count = 0};

        assert_int_not_equal(
            ssh_agent_keys((struct ts_bytes){copy, n}, visit, &s), TS_OK);
    }
    byte(0);
    {
        struct seen s = {.count = 0};

        assert_int_equal(ssh_agent_keys(all(), visit, &s), TS_E_FORMAT);
        ts_buf_clear(&b);
        byte(12);
        put_u32(SSH_AGENT_KEYS_MAX + 1);
        assert_int_equal(ssh_agent_keys(all(), visit, &s), TS_E_FORMAT);
        assert_int_equal(
            ssh_agent_keys(
                (struct ts_bytes){copy, (size_t)SSH_AGENT_ANSWER_MAX + 1},
                visit, &s),
            TS_E_LIMIT);
    }
}

static void every_bit_flip_of_a_list_is_read_safely(void **state)
{
    uint8_t copy[1024];
    size_t len;

    (void)state;
    list();
    len = b.len;
    memcpy(copy, ts_buf_bytes(&b), len);
    for (size_t bit = 0; bit < len * 8; bit++) {
        struct seen s = {.count = 0};

        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)!ssh_agent_keys((struct ts_bytes){copy, len}, visit, &s);
        assert_true(s.count <= 3);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void questions_have_the_bytes_of_the_draft(void **state)
{
    static const uint8_t ask[] = {0, 0, 0, 1, 11};
    static const uint8_t sign[] = {0,   0, 0, 16, 13, 0,   0, 0, 2, 'k',
                                   'b', 0, 0, 0,  1,  'd', 0, 0, 0, 0};

    (void)state;
    ts_buf_clear(&b);
    assert_int_equal(ssh_agent_ask_keys(&b), TS_OK);
    assert_int_equal(b.len, sizeof(ask));
    assert_memory_equal(ts_buf_bytes(&b), ask, sizeof(ask));
    ts_buf_clear(&b);
    assert_int_equal(
        ssh_agent_ask_sign((struct ts_bytes){(const uint8_t *)"kb", 2},
                           (struct ts_bytes){(const uint8_t *)"d", 1}, &b),
        TS_OK);
    assert_int_equal(b.len, sizeof(sign));
    assert_memory_equal(ts_buf_bytes(&b), sign, sizeof(sign));
    assert_int_equal(
        ssh_agent_ask_sign((struct ts_bytes){sign, SSH_KEY_BLOB_MAX + 1},
                           (struct ts_bytes){sign, 1}, &b),
        TS_E_LIMIT);
}

static void lines_of_pub_files_are_read_or_refused(void **state)
{
    /* ssh-keygen -t ed25519 with a public key of 32 times 0x11 */
    static const char text[] = "AAAAC3NzaC1lZDI1NTE5AAAAIBERERERERERERERERER"
                               "ERERERERERERERERERERERER";
    static const struct {
        const char *before, *after;
        ts_err want;
    } rows[] = {
        {"ssh-ed25519 ", " a comment\n", TS_OK},
        {"ssh-ed25519 ", "", TS_OK},
        {"  ssh-ed25519\t", "\r\n", TS_OK},
        {"ssh-rsa ", "", TS_E_FORMAT},
        {"sk-ssh-ed25519@openssh.com ", "", TS_E_FORMAT},
        {"ssh-ed25519 ", "=", TS_E_FORMAT},
        {"ssh-ed25519 A", "", TS_E_FORMAT},
        {"ssh-ed25519 \n", "", TS_E_FORMAT},
        {"", "", TS_E_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[256];
        struct ssh_key k = {.is_token = true};
        int n = snprintf(line, sizeof(line), "%s%s%s", rows[i].before,
                         i == 7 ? "" : text, rows[i].after);

        ts_buf_clear(&b);
        assert_int_equal(
            ssh_key_of_line((struct ts_str){line, (size_t)n}, &b, &k),
            rows[i].want);
        if (rows[i].want == TS_OK)
            assert_true(!k.is_token && k.pk[0] == 0x11 && k.pk[31] == 0x11);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_the_two_kinds_are_told),
        cmocka_unit_test(no_and_what_is_no_answer_are_told_apart),
        cmocka_unit_test(a_list_that_is_cut_or_too_long_is_refused),
        cmocka_unit_test(every_bit_flip_of_a_list_is_read_safely),
        cmocka_unit_test(questions_have_the_bytes_of_the_draft),
        cmocka_unit_test(lines_of_pub_files_are_read_or_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
