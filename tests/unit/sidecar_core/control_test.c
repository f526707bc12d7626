#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/control/control.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct control_message start_message(void)
{
    struct control_message m = {
        .type = CONTROL_START, .bundle_fd = -1, .journal_fd = -1};

    m.as.start = (struct control_start){
        .generation = 7,
        .boot_id = UINT64_MAX,
        .launchers = 2,
        .launcher_index = 1,
        .sidecar_id = TS_STR_LIT("acme/one"),
        .audience_count = 2,
        .audiences = {TS_STR_LIT("acme/one"), TS_STR_LIT("acme/any")},
        .durability_sync = true,
        .admin_uid_count = 2,
        .admin_uids = {0, UINT32_MAX},
        .require_pidfd = true,
        .segment_bytes = 1 << 20,
        .reserve_bytes = 4096,
        .handshake_rate = 10,
        .handshake_burst = 200,
        .tenant_operator_count = 3,
        .tenant_operators = {{TS_STR_LIT("acme"), 7},
                             {TS_STR_LIT("acme"), UINT32_MAX},
                             {TS_STR_LIT("beta"), 0}},
        .init_state = true,
        .check_only = true,
    };
    return m;
}

static struct control_hook hook_message(void)
{
    return (struct control_hook){.exec = TS_STR_LIT("/usr/local/bin/tell"),
                                 .arg_count = 2,
                                 .args = {TS_STR_LIT("--room"), TS_STR_LIT("")},
                                 .dir_count = 1,
                                 .dirs = {TS_STR_LIT("/var/lib/tell")},
                                 .timeout_ms = 10000,
                                 .parallel = 4,
                                 .per_minute = 30};
}

static struct control_message sample(enum control_type type)
{
    struct control_message m = {
        .type = type, .bundle_fd = -1, .journal_fd = -1};

    switch (type) {
    case CONTROL_START:
        return start_message();
    case CONTROL_PREPARED:
        m.as.prepared.generation = 3;
        m.as.prepared.text = TS_STR_LIT("tools/a.yaml:2: exec: none");
        break;
    case CONTROL_PREPARE:
    case CONTROL_COMMIT:
        m.as.prepare.generation = 3;
        break;
    case CONTROL_ABORT:
        m.as.abort.generation = 4;
        m.as.abort.text = TS_STR_LIT("tools/a.yaml:3: no");
        break;
    case CONTROL_READY:
    case CONTROL_REJECTED:
    case CONTROL_STATUS:
        m.as.text.text = TS_STR_LIT("3 tools");
        break;
    case CONTROL_DRAIN:
        m.as.drain.grace_ms = 20000;
        break;
    case CONTROL_FEED:
        m.as.feed =
            (struct control_feed){TS_STR_LIT("acme"), CONTROL_FEED_HEARTBEAT};
        break;
    case CONTROL_HOOK:
        m.as.hook = hook_message();
        break;
    case CONTROL_WATCHER:
        m.as.watcher.uid = 64005;
        break;
    }
    return m;
}

/* How many descriptors each type may carry; every other number is refused. */
static bool may_carry(enum control_type type, uint32_t fds)
{
    if (type == CONTROL_START)
        return fds <= 2;
    if (type == CONTROL_READY)
        return fds <= 1;
    return fds == (type == CONTROL_PREPARE || type == CONTROL_FEED ||
                           type == CONTROL_WATCHER
                       ? 1u
                       : 0u);
}

static void control_every_type_and_count_of_descriptors(void **state)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];

    (void)state;
    for (int t = CONTROL_START; t <= CONTROL_WATCHER; t++) {
        for (uint32_t fds = 0; fds <= 2; fds++) {
            struct control_message m = sample((enum control_type)t), got;
            size_t len = 0;
            ts_err e;

            m.bundle_fd = fds >= 1 ? 3 : -1;
            m.journal_fd = fds == 2 ? 4 : -1;
            e = control_encode(&m, buf, sizeof(buf), &len);
            assert_int_equal(e == TS_OK, may_carry(m.type, fds));
            if (e != TS_OK)
                continue;
            for (uint32_t n = 0; n <= 3; n++)
                assert_int_equal(control_decode(buf, len, n, &got) == TS_OK,
                                 n == fds);
        }
    }
}

static void control_start_comes_back_whole(void **state)
{
    struct control_message m = start_message(), got;
    const struct control_start *s = &got.as.start;
    uint8_t buf[CONTROL_MESSAGE_MAX];
    size_t len = 0;

    (void)state;
    assert_int_equal(control_encode(&m, buf, sizeof(buf), &len), TS_OK);
    assert_int_equal(control_decode(buf, len, 0, &got), TS_OK);
    assert_int_equal(s->generation, 7);
    assert_true(s->boot_id == UINT64_MAX);
    assert_int_equal(s->launchers, 2);
    assert_int_equal(s->launcher_index, 1);
    assert_true(ts_str_eq_c(s->sidecar_id, "acme/one"));
    assert_int_equal(s->audience_count, 2);
    assert_true(ts_str_eq_c(s->audiences[1], "acme/any"));
    assert_true(s->durability_sync);
    assert_int_equal(s->admin_uid_count, 2);
    assert_true(s->admin_uids[1] == UINT32_MAX);
    assert_false(s->allow_root_agents);
    assert_true(s->require_pidfd);
    assert_int_equal(s->segment_bytes, 1 << 20);
    assert_int_equal(s->reserve_bytes, 4096);
    assert_int_equal(s->handshake_rate, 10);
    assert_int_equal(s->handshake_burst, 200);
    assert_int_equal(s->tenant_operator_count, 3);
    assert_true(ts_str_eq_c(s->tenant_operators[1].tenant, "acme"));
    assert_true(s->tenant_operators[1].uid == UINT32_MAX);
    assert_true(ts_str_eq_c(s->tenant_operators[2].tenant, "beta"));
    assert_int_equal(s->tenant_operators[2].uid, 0);
    assert_true(s->init_state);
    assert_true(s->check_only);
    assert_false(s->has_token_key);
}

/* Pairs in any other order, a pair twice, or a tenant without a name. */
static void control_start_operators_out_of_order_are_refused(void **state)
{
    const struct control_operator rows[][2] = {
        {{TS_STR_LIT("beta"), 1}, {TS_STR_LIT("acme"), 2}},
        {{TS_STR_LIT("acme"), 2}, {TS_STR_LIT("acme"), 1}},
        {{TS_STR_LIT("acme"), 1}, {TS_STR_LIT("acme"), 1}},
        {{TS_STR_LIT(""), 1}, {TS_STR_LIT("acme"), 1}},
    };
    uint8_t buf[CONTROL_MESSAGE_MAX];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct control_message m = start_message();

        m.as.start.tenant_operator_count = 2;
        m.as.start.tenant_operators[0] = rows[i][0];
        m.as.start.tenant_operators[1] = rows[i][1];
        assert_int_equal(control_encode(&m, buf, sizeof(buf), &len),
                         TS_E_INVALID);
    }
}

/* The longest settings there can be fit into one message. */
static void control_start_of_greatest_size_fits(void **state)
{
    char longest[TS_ID_MAX];
    struct control_message m = start_message(), got;
    struct control_start *s = &m.as.start;
    uint8_t buf[CONTROL_MESSAGE_MAX];
    size_t len = 0;

    (void)state;
    memset(longest, 'a', sizeof(longest));
    s->sidecar_id = (struct ts_str){longest, sizeof(longest)};
    s->audience_count = TS_AUDIENCES_MAX;
    for (size_t i = 0; i < TS_AUDIENCES_MAX; i++)
        s->audiences[i] = s->sidecar_id;
    s->admin_uid_count = CONTROL_UIDS_MAX;
    for (uint32_t i = 0; i < CONTROL_UIDS_MAX; i++)
        s->admin_uids[i] = UINT32_MAX - i;
    s->tenant_operator_count = CONTROL_OPERATORS_MAX;
    for (uint32_t i = 0; i < CONTROL_OPERATORS_MAX; i++)
        s->tenant_operators[i] = (struct control_operator){
            s->sidecar_id, UINT32_MAX - CONTROL_OPERATORS_MAX + i};
    assert_int_equal(control_encode(&m, buf, sizeof(buf), &len), TS_OK);
    assert_int_equal(control_decode(buf, len, 0, &got), TS_OK);
    assert_int_equal(got.as.start.tenant_operator_count, CONTROL_OPERATORS_MAX);
    s->tenant_operator_count = CONTROL_OPERATORS_MAX + 1;
    assert_int_equal(control_encode(&m, buf, sizeof(buf), &len), TS_E_INVALID);
}

static void control_feed_only_of_a_tenant_and_a_known_kind(void **state)
{
    char longest[TS_ID_MAX + 1];
    struct control_message m = sample(CONTROL_FEED), got;
    uint8_t buf[CONTROL_MESSAGE_MAX];
    size_t len = 0;

    (void)state;
    memset(longest, 'a', sizeof(longest));
    m.bundle_fd = 3;
    for (int what = 0; what <= 3; what++) {
        for (size_t n = 0; n <= sizeof(longest); n++) {
            bool good = n >= 1 && n <= TS_ID_MAX && (what == 1 || what == 2);

            m.as.feed.what = (enum control_feed_kind)what;
            m.as.feed.tenant = (struct ts_str){longest, n};
            assert_int_equal(control_encode(&m, buf, sizeof(buf), &len),
                             good ? TS_OK : TS_E_INVALID);
            if (!good)
                continue;
            assert_int_equal(control_decode(buf, len, 1, &got), TS_OK);
            assert_int_equal(got.as.feed.what, what);
            assert_int_equal(got.as.feed.tenant.len, n);
        }
    }
}

static void control_hook_comes_back_whole_or_not_at_all(void **state)
{
    const struct ts_str bad[] = {TS_STR_LIT(""), TS_STR_LIT("tell"),
                                 TS_STR_LIT("/t\0ell")};
    struct control_message m = sample(CONTROL_HOOK), got;
    const struct control_hook *h = &got.as.hook;
    uint8_t buf[CONTROL_MESSAGE_MAX];
    static char long_text[CONTROL_HOOK_BYTES + 1];
    size_t len = 0;

    (void)state;
    assert_int_equal(control_encode(&m, buf, sizeof(buf), &len), TS_OK);
    assert_int_equal(control_decode(buf, len, 0, &got), TS_OK);
    assert_true(ts_str_eq_c(h->exec, "/usr/local/bin/tell"));
    assert_int_equal(h->arg_count, 2);
    assert_true(ts_str_eq_c(h->args[0], "--room"));
    assert_int_equal(h->args[1].len, 0);
    assert_int_equal(h->dir_count, 1);
    assert_true(ts_str_eq_c(h->dirs[0], "/var/lib/tell"));
    assert_int_equal(h->timeout_ms, 10000);
    assert_int_equal(h->parallel, 4);
    assert_int_equal(h->per_minute, 30);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        m = sample(CONTROL_HOOK);
        m.as.hook.exec = bad[i];
        assert_int_equal(control_encode(&m, buf, sizeof(buf), &len),
                         TS_E_INVALID);
        m = sample(CONTROL_HOOK);
        m.as.hook.dirs[0] = bad[i];
        assert_int_equal(control_encode(&m, buf, sizeof(buf), &len),
                         TS_E_INVALID);
    }
    memset(long_text, 'a', sizeof(long_text));
    m = sample(CONTROL_HOOK);
    m.as.hook.args[0] = (struct ts_str){long_text, sizeof(long_text)};
    assert_int_equal(control_encode(&m, buf, sizeof(buf), &len), TS_E_INVALID);
    m = sample(CONTROL_HOOK);
    m.as.hook.parallel = 0;
    assert_int_equal(control_encode(&m, buf, sizeof(buf), &len), TS_E_INVALID);
    m.as.hook.parallel = CONTROL_HOOK_PARALLEL_MAX + 1;
    assert_int_equal(control_encode(&m, buf, sizeof(buf), &len), TS_E_INVALID);
}

/* A truncation never decodes; a flipped bit may (a number may be another), but
 * then every slice stays inside and every count within its limit. */
static void control_decode_truncated_or_flipped(void **state)
{
    (void)state;
    for (int t = CONTROL_START; t <= CONTROL_WATCHER; t++) {
        struct control_message m = sample((enum control_type)t), got;
        uint32_t fds = may_carry((enum control_type)t, 1) &&
                       t != CONTROL_START && t != CONTROL_READY;
        uint8_t buf[CONTROL_MESSAGE_MAX];
        size_t len = 0;

        m.bundle_fd = fds == 1 ? 3 : -1;
        assert_int_equal(control_encode(&m, buf, sizeof(buf), &len), TS_OK);
        for (size_t cut = 0; cut < len; cut++)
            assert_int_not_equal(control_decode(buf, cut, fds, &got), TS_OK);
        for (size_t bit = 0; bit < len * 8; bit++) {
            buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            memset(&got, 0x5a, sizeof(got));
            if (control_decode(buf, len, fds, &got) == TS_OK &&
                got.type == CONTROL_START) {
                assert_in_range(got.as.start.launchers, 1, TS_LAUNCHERS_MAX);
                assert_in_range(got.as.start.audience_count, 1,
                                TS_AUDIENCES_MAX);
            }
            buf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        buf[len] = 0xc0; /* a byte too many */
        assert_int_not_equal(control_decode(buf, len + 1, fds, &got), TS_OK);
    }
}

static void control_encode_text_over_limit_is_refused(void **state)
{
    static const enum control_type types[] = {CONTROL_READY, CONTROL_REJECTED,
                                              CONTROL_STATUS, CONTROL_ABORT,
                                              CONTROL_PREPARED};
    char text[CONTROL_TEXT_MAX + 1];
    uint8_t buf[CONTROL_MESSAGE_MAX];
    size_t len = 0;

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < COUNT(types); i++) {
        for (size_t n = CONTROL_TEXT_MAX; n <= CONTROL_TEXT_MAX + 1; n++) {
            struct control_message m = sample(types[i]);

            if (types[i] == CONTROL_ABORT)
                m.as.abort.text = (struct ts_str){text, n};
            else if (types[i] == CONTROL_PREPARED)
                m.as.prepared.text = (struct ts_str){text, n};
            else
                m.as.text.text = (struct ts_str){text, n};
            assert_int_equal(control_encode(&m, buf, sizeof(buf), &len),
                             n <= CONTROL_TEXT_MAX ? TS_OK : TS_E_LIMIT);
        }
    }
}

static int open_count(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void control_receive_hands_over_both_descriptors(void **state)
{
    struct control_message m = start_message(), got;
    uint8_t buf[CONTROL_MESSAGE_MAX];
    int sock[2], before;

    (void)state;
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), 0);
    m.bundle_fd = memfd_create("bundle", MFD_CLOEXEC);
    m.journal_fd = memfd_create("journal", MFD_CLOEXEC);
    assert_int_equal(write(m.journal_fd, "j", 1), 1);
    before = open_count();
    assert_int_equal(control_send(sock[0], &m), TS_OK);
    assert_int_equal(control_receive(sock[1], buf, &got), TS_OK);
    assert_int_equal(open_count(), before + 2);
    assert_int_equal(lseek(got.bundle_fd, 0, SEEK_END), 0);
    assert_int_equal(lseek(got.journal_fd, 0, SEEK_END), 1);
    assert_int_equal(fcntl(got.bundle_fd, F_GETFD), FD_CLOEXEC);
    ts_fd_close(&got.bundle_fd);
    ts_fd_close(&got.journal_fd);
    ts_fd_close(&m.bundle_fd);
    ts_fd_close(&m.journal_fd);
    ts_fd_close(&sock[0]);
    assert_int_equal(control_receive(sock[1], buf, &got), TS_E_CLOSED);
    ts_fd_close(&sock[1]);
}

/* count descriptors under a body that announces none. */
static void send_raw(int sock, const void *body, size_t len, size_t count)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * 8)];
    } ctl = {0};
    uint8_t copy[64];
    struct iovec iov = {.iov_base = copy, .iov_len = len};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *c;
    int fds[8];

    assert_true(len <= sizeof(copy) && count <= COUNT(fds));
    memcpy(copy, body, len);
    for (size_t i = 0; i < count; i++)
        fds[i] = sock;
    if (count > 0) {
        h.msg_control = &ctl;
        h.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    }
    assert_int_equal(sendmsg(sock, &h, 0), (ssize_t)len);
}

static void control_receive_closes_unexpected_descriptors(void **state)
{
    struct control_message m = sample(CONTROL_DRAIN), got;
    uint8_t buf[CONTROL_MESSAGE_MAX], body[64];
    size_t len = 0;
    int sock[2], before;

    (void)state;
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), 0);
    assert_int_equal(control_encode(&m, body, sizeof(body), &len), TS_OK);
    before = open_count();
    for (size_t count = 1; count <= 8; count++) {
        send_raw(sock[0], body, len, count);
        assert_int_not_equal(control_receive(sock[1], buf, &got), TS_OK);
        assert_int_equal(open_count(), before);
    }
    send_raw(sock[0], body, len, 0);
    assert_int_equal(control_receive(sock[1], buf, &got), TS_OK);
    assert_int_equal(got.as.drain.grace_ms, 20000);
    ts_fd_close(&sock[0]);
    ts_fd_close(&sock[1]);
}

static void control_receive_nothing_there_is_again(void **state)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message got;
    int sock[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX,
                                SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                0, sock),
                     0);
    assert_int_equal(control_receive(sock[0], buf, &got), TS_E_AGAIN);
    ts_fd_close(&sock[1]);
    assert_int_equal(control_receive(sock[0], buf, &got), TS_E_CLOSED);
    ts_fd_close(&sock[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_every_type_and_count_of_descriptors),
        cmocka_unit_test(control_start_comes_back_whole),
        cmocka_unit_test(control_hook_comes_back_whole_or_not_at_all),
        cmocka_unit_test(control_start_operators_out_of_order_are_refused),
        cmocka_unit_test(control_start_of_greatest_size_fits),
        cmocka_unit_test(control_feed_only_of_a_tenant_and_a_known_kind),
        cmocka_unit_test(control_decode_truncated_or_flipped),
        cmocka_unit_test(control_encode_text_over_limit_is_refused),
        cmocka_unit_test(control_receive_hands_over_both_descriptors),
        cmocka_unit_test(control_receive_closes_unexpected_descriptors),
        cmocka_unit_test(control_receive_nothing_there_is_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
