#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/gate/wire/peer_recv.h"

#define STRANGER 64030

static int open_count(void)
{
    int n = 0;

    for (int fd = 0; fd < 512; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* ours: as the gate's side of a connection. Without refuse_rights it is as on a
 * kernel that cannot refuse descriptors by itself (before 6.16). */
static void open_pair(int ends[2], bool refuse_rights)
{
    const int on = 1;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
                     0);
    if (refuse_rights)
        assert_int_equal(peer_socket_options(ends[0]), TS_OK);
    else
        assert_int_equal(
            setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
}

static void close_pair(int ends[2])
{
    ts_fd_close(&ends[0]);
    ts_fd_close(&ends[1]);
}

static ssize_t send_with(int sock, const char *text, size_t count)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * 253)];
    } ctl = {0};
    char copy[16];
    struct iovec iov = {.iov_base = copy, .iov_len = strlen(text)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &ctl,
                       .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    int fds[253];

    memcpy(copy, text, strlen(text));
    for (size_t i = 0; i < count; i++)
        fds[i] = sock;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    return sendmsg(sock, &h, MSG_NOSIGNAL);
}

static void peer_recv_gives_the_bytes_of_the_same_uid(void **state)
{
    char buf[16];
    size_t len = 0;
    int ends[2];

    (void)state;
    open_pair(ends, true);
    assert_int_equal(peer_recv(ends[0], geteuid(), buf, sizeof(buf), &len),
                     TS_E_AGAIN);
    assert_int_equal(write(ends[1], "hello", 5), 5);
    assert_int_equal(peer_recv(ends[0], geteuid(), buf, sizeof(buf), &len),
                     TS_OK);
    assert_int_equal(len, 5);
    assert_memory_equal(buf, "hello", 5);
    assert_int_equal(write(ends[1], "more", 4), 4);
    assert_int_equal(peer_recv(ends[0], geteuid() + 1, buf, sizeof(buf), &len),
                     TS_E_DENIED);
    ts_fd_close(&ends[1]);
    assert_int_equal(peer_recv(ends[0], geteuid(), buf, sizeof(buf), &len),
                     TS_E_CLOSED);
    close_pair(ends);
}

static void peer_recv_closes_every_descriptor_that_arrives(void **state)
{
    static const size_t counts[] = {1, 2, 16, 17, 100, 253};
    char buf[16];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        int ends[2], before;

        open_pair(ends, false);
        before = open_count();
        assert_int_equal(send_with(ends[1], "x", counts[i]), 1);
        assert_int_equal(peer_recv(ends[0], geteuid(), buf, sizeof(buf), &len),
                         TS_E_DENIED);
        assert_int_equal(open_count(), before);
        close_pair(ends);
    }
}

/* Where the kernel can refuse them, none ever arrives. */
static void peer_recv_kernel_refuses_descriptors_where_it_can(void **state)
{
    char buf[16];
    size_t len = 0;
    int ends[2];
    ssize_t sent;

    (void)state;
    open_pair(ends, true);
    sent = send_with(ends[1], "x", 1);
    if (sent >= 0)
        (void)printf("SKIPPED: this kernel has no SO_PASSRIGHTS\n");
    assert_int_equal(peer_recv(ends[0], geteuid(), buf, sizeof(buf), &len),
                     sent < 0 ? TS_E_AGAIN : TS_E_DENIED);
    close_pair(ends);
}

/* Bytes of two writers are never joined: the stranger's are seen as such. */
static void peer_recv_bytes_of_another_uid_are_denied(void **state)
{
    char buf[16];
    size_t len = 0;
    int ends[2], status = 0;
    pid_t pid;

    (void)state;
    if (geteuid() != 0) {
        (void)printf("SKIPPED: needs root to be another user\n");
        skip();
    }
    open_pair(ends, true);
    assert_int_equal(write(ends[1], "mine", 4), 4);
    pid = fork();
    if (pid == 0)
        _exit(setgroups(0, NULL) == 0 &&
                      setresuid(STRANGER, STRANGER, STRANGER) == 0 &&
                      write(ends[1], "theirs", 6) == 6
                  ? 0
                  : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(peer_recv(ends[0], 0, buf, sizeof(buf), &len), TS_OK);
    assert_int_equal(len, 4);
    assert_int_equal(peer_recv(ends[0], 0, buf, sizeof(buf), &len),
                     TS_E_DENIED);
    close_pair(ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_recv_gives_the_bytes_of_the_same_uid),
        cmocka_unit_test(peer_recv_closes_every_descriptor_that_arrives),
        cmocka_unit_test(peer_recv_kernel_refuses_descriptors_where_it_can),
        cmocka_unit_test(peer_recv_bytes_of_another_uid_are_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
