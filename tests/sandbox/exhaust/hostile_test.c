/*
 * Whoever holds the other ends of a launcher's channels and means it ill: what
 * is no message ends the launcher and every tool; what is one, but not allowed
 * by the manifests, is refused by name; and the honest order behind it is
 * served. Nothing else ever runs.
 */
#include "harness.h"
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "sidecar/common/control/control.h"

#define FLOOD   10000
#define WAIT_MS 20000
#define KINDS   6 /* of descriptors */

/* Each try starts a launcher. By default some of the bytes are tried, other
 * ones in each mode; with this variable set, all of them. Every one of each
 * message is in unit.launcher.order_body, where a try costs nothing. */
#define ALL_ENV "TIPSTAFF_EVERY_BYTE"

static struct box box;

static const struct mode {
    const char *name;
    enum box_level most, demand;
    bool has_caps;
    size_t first, stride; /* of the bytes that are tried */
} modes[] = {
    {"bare", BOX_BARE, BOX_ANY, false, 1, 3},
    {"uid", BOX_UID, BOX_UID, true, 2, 9},
    {"full", BOX_FULL, BOX_FULL, true, 3, 9},
    {"strict", BOX_ANY, BOX_STRICT, true, 5, 13},
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static bool open_mode(const struct mode *m)
{
    if (m->has_caps && getuid() != 0) {
        print_message("SKIPPED: %s needs root\n", m->name);
        return false;
    }
    if (m->demand >= BOX_FULL && !host_gives_full(true))
        return false;
    box_open_at(&box, m->most, m->has_caps);
    return true;
}

static struct call honest(const struct mode *m, const char *what)
{
    return (struct call){
        .tool = "plain", .what = what, .arg = "3", .box = m->demand};
}

static void serves(const struct mode *m)
{
    const struct call c = honest(m, "exit");
    struct outcome o;

    box_run(&box, &c, &o);
    if (!o.started)
        fail_msg("%s: an honest order is refused at %s: %s", m->name, o.step,
                 o.text);
    assert_int_equal(o.exited.exit_code, 3);
}

static void send_bytes(const void *buf, size_t len)
{
    assert_int_equal(send(box.orders, buf, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* The honest order, for tests that change it. */
static size_t honest_bytes(const struct mode *m, uint8_t *buf, size_t cap)
{
    const struct call c = honest(m, "exit");
    size_t len = 0;
    int orders;
    const uint8_t *b = box_encode(&box, &c, &len, &orders);

    assert_true(len <= cap);
    memcpy(buf, b, len);
    return len;
}

/* It has ended by itself, and said so; what ran has ended with it. */
static void assert_ended(const char *why, size_t at)
{
    struct pollfd p = {.fd = box.gate, .events = POLLIN};
    uint8_t rest[4096];

    for (;;) {
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        if (recv(box.gate, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
            break;
        if (rest[0] == HOP_STARTED)
            fail_msg("%s, byte %zu: it ran", why, at);
    }
    assert_int_equal(waitpid(box.pid, &box.wait_status, 0), box.pid);
    if (!WIFEXITED(box.wait_status) || WEXITSTATUS(box.wait_status) != 1)
        fail_msg("%s, byte %zu: wait status %x", why, at, box.wait_status);
    assert_int_equal(box_count_probes(&box), 0);
    box.pid = 0;
    ts_fd_close(&box.gate);
    ts_fd_close(&box.orders);
    ts_fd_close(&box.control);
}

static void run_beside(const struct mode *m, struct outcome *o)
{
    const struct call c = honest(m, "sleep");
    uint64_t id = box_send(&box, &c);

    box_wait_start(&box, id, o);
    assert_true(o->started);
}

/* buf is no message: the launcher ends, and with it what runs. */
static void ends_it(const struct mode *m, const void *buf, size_t len,
                    const char *why, size_t at)
{
    struct outcome o;

    run_beside(m, &o);
    send_bytes(buf, len);
    assert_ended(why, at);
    ts_fd_close(&o.in_fd);
    ts_fd_close(&o.out_fd);
    ts_fd_close(&o.err_fd);
    box_close(&box); /* its folder */
    (void)open_mode(m);
}

static bool tries_all(void)
{
    return getenv(ALL_ENV) != NULL;
}

static void truncated_order_ends_the_launcher(void **state)
{
    uint8_t buf[512];

    (void)state;
    for (size_t i = 0; i < MODES; i++) {
        const struct mode *m = &modes[i];
        size_t len;

        if (!open_mode(m))
            continue;
        len = honest_bytes(m, buf, sizeof(buf));
        for (size_t n = tries_all() ? 1 : m->first; n < len;
             n += tries_all() ? 1 : m->stride)
            ends_it(m, buf, n, "truncated", n);
        serves(m);
        box_close(&box);
    }
}

/* One of the answers to a message of one order. */
enum answer {
    RAN,
    REFUSED,
    ENDED
};
static enum answer answer_to(uint64_t id, struct outcome *o)
{
    struct pollfd p = {.fd = box.gate, .events = POLLIN};
    uint8_t type = 0;

    for (;;) {
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        if (recv(box.gate, &type, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
            return ENDED;
        if (type != HOP_UNSERVED)
            break;
        (void)recv(box.gate, &type, 1, MSG_DONTWAIT);
    }
    box_wait_start(&box, id, o);
    if (!o->started)
        return REFUSED;
    box_wait_end(&box, id, o);
    return RAN;
}

/* Whatever a flipped bit makes of it: what runs is what a manifest allows. */
static void flipped_bit_runs_nothing_that_was_not_allowed(void **state)
{
    unsigned count[3] = {0, 0, 0};
    uint8_t buf[512];
    struct outcome o;

    (void)state;
    assert_true(open_mode(&modes[0]));
    for (size_t at = 0; at < honest_bytes(&modes[0], buf, sizeof(buf)); at++) {
        size_t len = honest_bytes(&modes[0], buf, sizeof(buf));
        const char *what = "";
        enum answer a;
        struct order x;
        ts_err e;

        buf[at] = (uint8_t)(buf[at] ^ 1u << (at % 8));
        e = buf[0] == HOP_ORDER ? order_decode(buf + 1, len - 1, &x, &what)
                                : TS_E_FORMAT;
        send_bytes(buf, len);
        if (e == TS_OK) {
            a = answer_to(x.order_id, &o);
            assert_true(a != ENDED);
        } else {
            assert_ended(what, at);
            a = ENDED;
            box_close(&box);
            (void)open_mode(&modes[0]);
        }
        if (a == RAN) {
            assert_true(ts_str_eq_c(x.tool, "plain"));
            assert_int_equal(x.generation, 1);
        }
        count[a]++;
    }
    print_message("bit flips: %u ran, %u refused, %u ended it\n", count[RAN],
                  count[REFUSED], count[ENDED]);
    assert_true(count[RAN] > 5 && count[REFUSED] > 5 && count[ENDED] > 5);
    serves(&modes[0]);
    box_close(&box);
}

static void what_is_no_message_ends_the_launcher(void **state)
{
    static uint8_t large[TS_ORDER_MAX + 64];
    uint8_t buf[600];

    (void)state;
    for (size_t i = 0; i < MODES; i++) {
        const struct mode *m = &modes[i];
        size_t len;

        if (!open_mode(m))
            continue;
        len = honest_bytes(m, buf, sizeof(buf));
        for (unsigned type = 0; type < 256; type += type < 10 ? 1 : 61) {
            if (type >= HOP_ORDER && type <= HOP_BARRIER)
                continue;
            buf[0] = (uint8_t)type;
            ends_it(m, buf, len, "type", type);
        }
        buf[0] = HOP_KILL; /* another's body */
        ends_it(m, buf, len, "an order as a kill", 0);
        buf[0] = HOP_VOID;
        ends_it(m, buf, len, "an order as a void", 0);
        buf[0] = HOP_ORDER;
        buf[len] = 0;
        ends_it(m, buf, len + 1, "one byte more", len);
        memcpy(large, buf, len);
        ends_it(m, large, sizeof(large), "too large", sizeof(large));
        ends_it(m, "", 0, "empty", 0);
        serves(m);
        box_close(&box);
    }
}

static void spoil(struct order *o, int field)
{
    switch (field) {
    case 0:
        o->order_id = 0;
        break;
    case 1:
        o->access = (enum order_access)(ACCESS_WRITE + 1);
        break;
    case 2:
        o->box = (enum box_level)(BOX_STRICT + 1);
        break;
    case 3:
        o->require = LAYER_BITS_ALL + 1;
        break;
    case 4: /* a text */
        o->args = (struct ts_bytes){(const uint8_t *)"\xa1x", 2};
        break;
    case 5: /* one argument twice */
        o->args = (struct ts_bytes){
            (const uint8_t *)"\x82\xa4what\xa1x\xa4what\xa1y", 15};
        break;
    case 6: /* no UTF-8 */
        o->args =
            (struct ts_bytes){(const uint8_t *)"\x81\xa4what\xa2\xff\xfe", 9};
        break;
    default: /* a map of four thousand million */
        o->args = (struct ts_bytes){(const uint8_t *)"\xdf\xff\xff\xff\xff", 5};
        break;
    }
}

static void field_out_of_range_ends_the_launcher(void **state)
{
    static uint8_t buf[TS_ORDER_MAX];
    uint8_t raw[512];
    const char *what = "";
    struct order o;

    (void)state;
    assert_true(open_mode(&modes[0]));
    for (int field = 0; field < 8; field++) {
        size_t len = honest_bytes(&modes[0], raw, sizeof(raw));

        assert_int_equal(order_decode(raw + 1, len - 1, &o, &what), TS_OK);
        spoil(&o, field);
        buf[0] = HOP_ORDER;
        assert_int_equal(order_encode(&o, buf + 1, sizeof(buf) - 1, &len),
                         TS_OK);
        ends_it(&modes[0], buf, len + 1, "field", (size_t)field);
    }
    serves(&modes[0]);
    box_close(&box);
}

static void gate_or_supervisor_that_says_more_than_it_may_ends_it(void **state)
{
    static const enum control_type types[] = {CONTROL_READY, CONTROL_REJECTED,
                                              CONTROL_PREPARED, CONTROL_STATUS,
                                              CONTROL_COMMIT};

    (void)state;
    assert_true(open_mode(&modes[0]));
    assert_int_equal(send(box.gate, "\x05", 1, MSG_NOSIGNAL), 1);
    assert_ended("gate", 0);
    box_close(&box);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct control_message m = {
            .type = types[i], .bundle_fd = -1, .journal_fd = -1};

        assert_true(open_mode(&modes[0]));
        assert_int_equal(control_send(box.control, &m), TS_OK);
        assert_ended("control", i);
        box_close(&box);
    }
}

static void open_strange(int fds[KINDS])
{
    int p[2], s[2];

    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s),
                     0);
    (void)close(p[0]); /* nobody reads it */
    (void)close(s[1]);
    fds[0] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fds[1] = s[0];
    fds[2] = memfd_create("x", MFD_CLOEXEC);
    fds[3] = open("/etc/passwd", O_PATH | O_CLOEXEC);
    fds[4] = p[1];
    fds[5] = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < KINDS; i++)
        assert_true(fds[i] >= 0);
}

static void send_with(const struct call *c, const int *fds, size_t count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(KINDS * sizeof(int))] = {
        0};
    size_t len = 0;
    int orders;
    const uint8_t *b = box_encode(&box, c, &len, &orders);
    struct iovec iov = {(void *)(uintptr_t)b, len};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
    struct cmsghdr *cm = CMSG_FIRSTHDR(&h);

    cm->cmsg_level = SOL_SOCKET;
    cm->cmsg_type = SCM_RIGHTS;
    cm->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(cm), fds, sizeof(int) * count);
    assert_int_equal(sendmsg(orders, &h, MSG_NOSIGNAL), (ssize_t)len);
}

/* The recorder sends no descriptor; whoever attaches some gives them away. */
static void descriptors_beside_an_order_reach_nobody(void **state)
{
    int fds[KINDS];

    (void)state;
    open_strange(fds);
    for (size_t i = 0; i < MODES; i++) {
        const struct call c = honest(&modes[i], "fds");
        int before;

        if (!open_mode(&modes[i]))
            continue;
        for (int n = 0; n < 10; n++)
            serves(&modes[i]);
        before = box_count_fds(&box);
        for (size_t n = 1; n <= KINDS; n++) {
            struct outcome o;

            send_with(&c, fds, n);
            box_wait_start(&box, box.last_id, &o);
            assert_true(o.started);
            box_wait_end(&box, box.last_id, &o);
            assert_true(outcome_says(&o, "3"));
        }
        for (int n = 0; n < 4; n++)
            serves(&modes[i]);
        assert_int_equal(box_count_fds(&box), before);
        box_close(&box);
    }
    for (int i = 0; i < KINDS; i++)
        (void)close(fds[i]);
}

static void order_id_that_runs_is_not_given_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODES; i++) {
        const struct call c = honest(&modes[i], "daemons_stay");
        struct outcome first, second;
        uint64_t id;

        if (!open_mode(&modes[i]))
            continue;
        id = box_send(&box, &c);
        box_wait_start(&box, id, &first);
        assert_true(first.started);
        box_wait_ready(&box, id, &first);
        for (int k = 0; k < 3; k++) {
            box.last_id = id - 1;
            (void)box_send(&box, &c);
            box_wait_start(&box, id, &second);
            assert_false(second.started);
            assert_int_equal(second.code, CODE_LAUNCH_FAILED);
            assert_string_equal(second.step, "order");
        }
        assert_int_equal(box_count_probes(&box), 4);
        box_kill(&box, id, END_REVOKED);
        box_wait_end(&box, id, &first);
        assert_int_equal(box_count_probes(&box), 0);
        serves(&modes[i]);
        box_close(&box);
    }
}

static void send_kill(uint64_t id)
{
    const struct order_kill k = {.order_id = id, .reason = END_REVOKED};
    uint8_t buf[64] = {HOP_KILL};
    size_t len = 0;

    assert_int_equal(order_kill_encode(&k, buf + 1, 63, &len), TS_OK);
    send_bytes(buf, len + 1);
}

static void kill_of_what_is_not_its_own_does_nothing(void **state)
{
    const struct call c = {.tool = "pure", .what = "sleep"};
    struct outcome o;
    uint64_t id;

    (void)state;
    assert_true(open_mode(&modes[0]));
    id = box_send(&box, &c); /* of another launcher; these go to "files" */
    box_wait_start(&box, id, &o);
    assert_true(o.started);
    send_kill(id);
    for (unsigned bit = 0; bit < 64; bit++)
        if ((id ^ 1ull << bit) != 0)
            send_kill(id ^ 1ull << bit);
    serves(&modes[0]);
    assert_int_equal(box_count_probes(&box), 1);
    box_kill(&box, id, END_CANCELLED);
    box_wait_end(&box, id, &o);
    assert_int_equal(o.exited.reason, END_CANCELLED);
    box_close(&box);
}

/* Answers are read meanwhile, or the launcher would wait for the gate. */
static void flood(const uint8_t *buf, size_t len, unsigned want_answers)
{
    uint8_t back[4096];
    unsigned sent = 0, got = 0;

    while (sent < FLOOD || got < want_answers) {
        struct pollfd p[2] = {
            {.fd = sent < FLOOD ? box.orders : -1, .events = POLLOUT},
            {.fd = box.gate, .events = POLLIN}};

        assert_true(poll(p, 2, WAIT_MS) > 0);
        if ((p[0].revents & POLLOUT) != 0 &&
            send(box.orders, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
            sent++;
        if ((p[1].revents & POLLIN) != 0) {
            assert_true(recv(box.gate, back, sizeof(back), MSG_DONTWAIT) > 0);
            assert_true(back[0] == HOP_REFUSED || back[0] == HOP_BARRIER ||
                        back[0] == HOP_UNSERVED);
            got += back[0] != HOP_UNSERVED;
        }
    }
    assert_int_equal(got, want_answers);
}

static void flood_all(const struct mode *m)
{
    const struct order_kill k = {.order_id = 1u << 20, .reason = END_REVOKED};
    const struct order_void v = {.order_id = 1u << 20,
                                 .code = CODE_AUDIT_UNAVAILABLE};
    const struct order_barrier b = {.id = 9};
    uint8_t buf[1024] = {HOP_KILL}, raw[512];
    const char *what = "";
    struct order o;
    size_t len = 0;

    assert_int_equal(order_kill_encode(&k, buf + 1, 63, &len), TS_OK);
    flood(buf, len + 1, 0);
    buf[0] = HOP_VOID;
    assert_int_equal(order_void_encode(&v, buf + 1, 63, &len), TS_OK);
    flood(buf, len + 1, FLOOD);
    buf[0] = HOP_BARRIER;
    assert_int_equal(order_barrier_encode(&b, buf + 1, 63, &len), TS_OK);
    flood(buf, len + 1, FLOOD);
    len = honest_bytes(m, raw, sizeof(raw));
    assert_int_equal(order_decode(raw + 1, len - 1, &o, &what), TS_OK);
    o.generation = 7; /* refused each time */
    buf[0] = HOP_ORDER;
    assert_int_equal(order_encode(&o, buf + 1, sizeof(buf) - 1, &len), TS_OK);
    flood(buf, len + 1, FLOOD);
}

static void ten_thousand_of_each_message_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODES; i++) {
        int before;

        if (!open_mode(&modes[i]))
            continue;
        for (int n = 0; n < 10; n++)
            serves(&modes[i]);
        before = box_count_fds(&box);
        flood_all(&modes[i]);
        for (int n = 0; n < 10; n++)
            serves(&modes[i]);
        assert_int_equal(box_count_fds(&box), before);
        box_close(&box);
    }
}

static int close_each(void **state)
{
    (void)state;
    if (box.pid > 0)
        box_close(&box);
    return 0;
}

#define EACH(f) cmocka_unit_test_teardown(f, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(truncated_order_ends_the_launcher),
        EACH(flipped_bit_runs_nothing_that_was_not_allowed),
        EACH(what_is_no_message_ends_the_launcher),
        EACH(field_out_of_range_ends_the_launcher),
        EACH(gate_or_supervisor_that_says_more_than_it_may_ends_it),
        EACH(descriptors_beside_an_order_reach_nobody),
        EACH(order_id_that_runs_is_not_given_twice),
        EACH(kill_of_what_is_not_its_own_does_nothing),
        EACH(ten_thousand_of_each_message_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
