#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/hear.h"
#include "sidecar/common/manifest/manifest.h"

static int supervisor = -1; /* its end of the channel */
static struct control_ear ear;
static struct {
    ts_err prepares; /* what prepare() is to return */
    int prepared, committed, aborted, drained;
    uint64_t value; /* generation or grace */
} did;

static ts_err prepare(void *self, int bundle_fd, uint64_t generation,
                      char *text, size_t cap)
{
    assert_ptr_equal(self, &did);
    assert_int_equal(text[0], '\0');
    assert_int_equal(cap, CONTROL_PART_TEXT);
    assert_true(fcntl(bundle_fd, F_GETFD) >= 0);
    ts_fd_close(&bundle_fd);
    did.prepared++;
    did.value = generation;
    (void)snprintf(text, cap, "text %d", did.prepared);
    return did.prepares;
}

static ts_err commit(void *self)
{
    assert_ptr_equal(self, &did);
    did.committed++;
    return TS_OK;
}

static void drop(void *self)
{
    assert_ptr_equal(self, &did);
    did.aborted++;
}

static ts_err drain(void *self, uint64_t grace_ms)
{
    assert_ptr_equal(self, &did);
    did.drained++;
    did.value = grace_ms;
    return TS_OK;
}

static int open_each(void **state)
{
    static const struct control_part part = {
        .prepare = prepare, .commit = commit, .abort = drop, .drain = drain};
    int sock[2];

    (void)state;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   sock) != 0)
        return -1;
    supervisor = sock[0];
    ear = (struct control_ear){.sock = sock[1], .part = &part, .self = &did};
    memset(&did, 0, sizeof(did));
    return 0;
}

static int close_each(void **state)
{
    (void)state;
    ts_fd_close(&supervisor);
    ts_fd_close(&ear.sock);
    return 0;
}

static int open_count(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static struct control_message start_of(int bundle, int journal)
{
    return (struct control_message){
        .type = CONTROL_START,
        .bundle_fd = bundle,
        .journal_fd = journal,
        .as.start = {.generation = 1,
                     .launchers = 1,
                     .sidecar_id = TS_STR_LIT("acme/one"),
                     .audience_count = 1,
                     .audiences = {TS_STR_LIT("acme/one")}}};
}

/* As small as each type can be; PREPARE and FEED with a descriptor. */
static void send_one(enum control_type type, uint64_t value)
{
    struct control_message m = {
        .type = type, .bundle_fd = -1, .journal_fd = -1};
    int fd = memfd_create("bundle", MFD_CLOEXEC);

    assert_true(fd >= 0);
    if (type == CONTROL_START)
        m = start_of(-1, -1);
    else if (type == CONTROL_FEED)
        m.as.feed =
            (struct control_feed){TS_STR_LIT("acme"), CONTROL_FEED_SNAPSHOT};
    else if (type == CONTROL_HOOK)
        m.as.hook = (struct control_hook){.exec = TS_STR_LIT("/a"),
                                          .timeout_ms = 1,
                                          .parallel = 1,
                                          .per_minute = 1};
    else if (type == CONTROL_WATCHER)
        m.as.watcher.uid = 1;
    else if (type == CONTROL_DRAIN)
        m.as.drain.grace_ms = value;
    else
        m.as.prepare.generation = value;
    if (type == CONTROL_READY || type == CONTROL_REJECTED ||
        type == CONTROL_STATUS)
        m.as.text.text = TS_STR_LIT("");
    if (type == CONTROL_PREPARE || type == CONTROL_FEED ||
        type == CONTROL_WATCHER)
        m.bundle_fd = fd;
    assert_int_equal(control_send(supervisor, &m), TS_OK);
    ts_fd_close(&fd);
}

static void expect_answer(enum control_type type, const char *text)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;

    assert_int_equal(control_receive(supervisor, buf, &m), TS_OK);
    assert_int_equal(m.type, type);
    if (type == CONTROL_PREPARED) {
        assert_int_equal(m.as.prepared.generation, did.value);
        assert_true(ts_str_eq_c(m.as.prepared.text, text));
    } else {
        assert_true(ts_str_eq_c(m.as.text.text, text));
    }
}

static void expect_no_answer(void)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;

    assert_int_equal(control_receive(supervisor, buf, &m), TS_E_AGAIN);
}

/* ---- every message, in both states -------------------------------------- */

enum state {
    NOTHING,
    HELD, /* of generation 5 */
    STATES
};

static const struct row {
    enum control_type type;
    uint64_t value;
    ts_err prepares;
    ts_err returns[STATES];
    enum state after[STATES];
    int prepared, committed, aborted, drained; /* calls, if TS_OK */
} rows[] = {
    /* clang-format off */
    {CONTROL_START, 1, TS_OK, {TS_E_STATE, TS_E_STATE}, {NOTHING, HELD}, 0, 0, 0, 0},
    {CONTROL_READY, 0, TS_OK, {TS_E_STATE, TS_E_STATE}, {NOTHING, HELD}, 0, 0, 0, 0},
    {CONTROL_PREPARE, 6, TS_OK, {TS_OK, TS_OK}, {HELD, HELD}, 1, 0, 0, 0},
    {CONTROL_PREPARE, 6, TS_E_FORMAT, {TS_OK, TS_OK}, {NOTHING, NOTHING}, 1, 0, 0, 0},
    {CONTROL_PREPARED, 5, TS_OK, {TS_E_STATE, TS_E_STATE}, {NOTHING, HELD}, 0, 0, 0, 0},
    {CONTROL_REJECTED, 0, TS_OK, {TS_E_STATE, TS_E_STATE}, {NOTHING, HELD}, 0, 0, 0, 0},
    {CONTROL_COMMIT, 5, TS_OK, {TS_E_STATE, TS_OK}, {NOTHING, NOTHING}, 0, 1, 0, 0},
    {CONTROL_COMMIT, 0, TS_OK, {TS_E_STATE, TS_E_STATE}, {NOTHING, HELD}, 0, 0, 0, 0},
    {CONTROL_COMMIT, 6, TS_OK, {TS_E_STATE, TS_E_STATE}, {NOTHING, HELD}, 0, 0, 0, 0},
    {CONTROL_ABORT, 5, TS_OK, {TS_OK, TS_OK}, {NOTHING, NOTHING}, 0, 0, 1, 0},
    {CONTROL_DRAIN, 700, TS_OK, {TS_OK, TS_OK}, {NOTHING, HELD}, 0, 0, 0, 1},
    {CONTROL_STATUS, 0, TS_OK, {TS_E_STATE, TS_E_STATE}, {NOTHING, HELD}, 0, 0, 0, 0},
    {CONTROL_FEED, 0, TS_OK, {TS_E_STATE, TS_E_STATE}, {NOTHING, HELD}, 0, 0, 0, 0},
    {CONTROL_HOOK, 0, TS_OK, {TS_E_STATE, TS_E_STATE}, {NOTHING, HELD}, 0, 0, 0, 0},
    {CONTROL_WATCHER, 0, TS_OK, {TS_E_STATE, TS_E_STATE}, {NOTHING, HELD}, 0, 0, 0, 0},
    /* clang-format on */
};

static void send_row(const struct row *r)
{
    did.prepares = r->prepares;
    if (r->type == CONTROL_ABORT) {
        const struct control_message m = {
            .type = CONTROL_ABORT,
            .bundle_fd = -1,
            .journal_fd = -1,
            .as.abort = {r->value, TS_STR_LIT("x:1: no")}};

        assert_int_equal(control_send(supervisor, &m), TS_OK);
    } else {
        send_one(r->type, r->value);
    }
}

static void check_row(const struct row *r, enum state from)
{
    int before = open_count();

    memset(&did, 0, sizeof(did));
    ear.is_prepared = from == HELD;
    ear.generation = from == HELD ? 5 : 0;
    send_row(r);
    assert_int_equal(control_hear(&ear), r->returns[from]);
    assert_int_equal(ear.is_prepared, r->after[from] == HELD);
    assert_int_equal(open_count(), before);
    if (r->returns[from] == TS_OK) {
        assert_int_equal(did.prepared, r->prepared);
        assert_int_equal(did.committed, r->committed);
        assert_int_equal(did.aborted, r->aborted);
        assert_int_equal(did.drained, r->drained);
        if (r->prepared + r->drained > 0)
            assert_int_equal(did.value, r->value);
    } else {
        assert_int_equal(
            did.prepared + did.committed + did.aborted + did.drained, 0);
    }
    if (r->type == CONTROL_PREPARE)
        expect_answer(r->prepares == TS_OK ? CONTROL_PREPARED
                                           : CONTROL_REJECTED,
                      "text 1");
    expect_no_answer();
}

static void control_hear_every_message_in_every_state(void **state)
{
    unsigned seen = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int from = NOTHING; from < STATES; from++)
            check_row(&rows[i], (enum state)from);
        seen |= 1u << rows[i].type;
    }
    for (int t = CONTROL_START; t <= CONTROL_WATCHER; t++)
        assert_true((seen & (1u << t)) != 0);
}

static void control_hear_commits_what_was_prepared_last_and_once(void **state)
{
    (void)state;
    send_one(CONTROL_PREPARE, 8);
    send_one(CONTROL_PREPARE, 9);
    send_one(CONTROL_COMMIT, 9);
    send_one(CONTROL_COMMIT, 9);
    assert_int_equal(control_hear(&ear), TS_OK);
    assert_int_equal(control_hear(&ear), TS_OK);
    assert_int_equal(control_hear(&ear), TS_OK);
    assert_int_equal(did.committed, 1);
    assert_int_equal(control_hear(&ear), TS_E_STATE);
    assert_int_equal(did.committed, 1);
}

static void control_hear_silence_is_again_and_the_end_is_closed(void **state)
{
    (void)state;
    assert_int_equal(control_hear(&ear), TS_E_AGAIN);
    ts_fd_close(&supervisor);
    assert_int_equal(control_hear(&ear), TS_E_CLOSED);
}

/* ---- the first message --------------------------------------------------- */

static void control_receive_start_only_with_what_may_come(void **state)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];

    (void)state;
    for (uint32_t may = 0; may <= 2; may++) {
        for (uint32_t sent = 0; sent <= 2; sent++) {
            struct control_message m = start_of(sent > 0 ? supervisor : -1,
                                                sent > 1 ? supervisor : -1);
            struct control_message got = {.bundle_fd = -7};
            bool fits = (may == 0) == (sent == 0) && sent <= may;
            int before = open_count();

            assert_int_equal(control_send(supervisor, &m), TS_OK);
            assert_int_equal(control_receive_start(ear.sock, may, buf, &got),
                             fits ? TS_OK : TS_E_STATE);
            assert_int_equal(open_count(), before + (fits ? (int)sent : 0));
            if (!fits) {
                assert_int_equal(got.bundle_fd, -7);
                continue;
            }
            assert_int_equal(got.as.start.generation, 1);
            ts_fd_close(&got.bundle_fd);
            ts_fd_close(&got.journal_fd);
        }
    }
}

static void control_receive_start_any_other_message_is_refused(void **state)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message got = {.bundle_fd = -7};
    int before = open_count();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].type == CONTROL_START)
            continue;
        for (uint32_t may = 0; may <= 2; may++) {
            send_row(&rows[i]);
            assert_int_equal(control_receive_start(ear.sock, may, buf, &got),
                             TS_E_STATE);
            assert_int_equal(open_count(), before);
            assert_int_equal(got.bundle_fd, -7);
        }
    }
}

static void control_say_every_type_with_a_text(void **state)
{
    static const enum control_type types[] = {CONTROL_READY, CONTROL_REJECTED,
                                              CONTROL_STATUS};
    static char text[CONTROL_TEXT_MAX + 2];

    (void)state;
    memset(text, 'x', CONTROL_TEXT_MAX);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_int_equal(control_say(ear.sock, types[i], ""), TS_OK);
        expect_answer(types[i], "");
        assert_int_equal(control_say(ear.sock, types[i], text), TS_OK);
        expect_answer(types[i], text);
    }
    text[CONTROL_TEXT_MAX] = 'x';
    assert_int_equal(control_say(ear.sock, CONTROL_STATUS, text), TS_E_LIMIT);
    expect_no_answer();
}

/* ---- a bundle's manifests ------------------------------------------------ */

static void manifests_read_takes_the_bundle_over(void **state)
{
    static const struct manifest_facts facts = {.has_broker = false};
    const struct bundle_file file = {
        TS_STR_LIT("tools/a.yaml"),
        TS_STR_LIT("tool: a\nexec: /usr/bin/true\nargv: [a]\n")};
    struct manifests *m = NULL;
    char text[256] = "";
    int before = open_count(), fd = -1;

    (void)state;
    assert_int_equal(bundle_write(&file, 1, &fd), TS_OK);
    assert_int_equal(manifests_read(fd, &facts, 4, &m, text, sizeof(text)),
                     TS_OK);
    assert_int_equal(open_count(), before);
    assert_int_equal(m->count, 1);
    assert_int_equal(m->generation, 4);
    manifests_free(m);
    m = NULL;
    fd = memfd_create("no bundle", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_not_equal(manifests_read(fd, &facts, 4, &m, text, sizeof(text)),
                         TS_OK);
    assert_null(m);
    assert_int_equal(open_count(), before);
    assert_int_equal(strncmp(text, "bundle:1: ", 10), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            control_hear_every_message_in_every_state, open_each, close_each),
        cmocka_unit_test_setup_teardown(
            control_hear_commits_what_was_prepared_last_and_once, open_each,
            close_each),
        cmocka_unit_test_setup_teardown(
            control_hear_silence_is_again_and_the_end_is_closed, open_each,
            close_each),
        cmocka_unit_test_setup_teardown(
            control_receive_start_only_with_what_may_come, open_each,
            close_each),
        cmocka_unit_test_setup_teardown(
            control_receive_start_any_other_message_is_refused, open_each,
            close_each),
        cmocka_unit_test_setup_teardown(control_say_every_type_with_a_text,
                                        open_each, close_each),
        cmocka_unit_test(manifests_read_takes_the_bundle_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
