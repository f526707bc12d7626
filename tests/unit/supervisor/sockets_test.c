#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sidecar/supervisor/sockets.h"

#define ERR 512

struct room {
    char dir[64];
    struct config config;
};

static int setup(void **state)
{
    static struct room r;

    (void)snprintf(r.dir, sizeof(r.dir), "/tmp/ts-sock-XXXXXX");
    if (mkdtemp(r.dir) == NULL)
        return -1;
    r.config = (struct config){.run_dir = r.dir,
                               .agent = {0620, 0755, CONFIG_ID_NONE},
                               .admin = {0600, 0700, CONFIG_ID_NONE}};
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    const struct room *r = *state;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/agent", r->dir);
    (void)rmdir(path);
    (void)snprintf(path, sizeof(path), "%s/admin", r->dir);
    (void)rmdir(path);
    return rmdir(r->dir); /* fails if anything was left */
}

static const struct sockets_listen nothing = {.self = 1, .first_fd = 3};

static mode_t mode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void sockets_open_is_seen_only_when_published(void **state)
{
    const struct room *r = *state;
    char text[ERR] = "";
    struct sockets s;

    sockets_init(&s);
    assert_int_equal(sockets_open(&s, &r->config, &nothing, text, ERR), TS_OK);
    for (int i = 0; i < SOCKETS_; i++)
        assert_int_equal(access(s.path[i], F_OK), -1);
    assert_int_equal(sockets_publish(&s, text, ERR), TS_OK);
    assert_int_equal(mode_of(s.path[SOCKET_AGENT]), 0620);
    assert_int_equal(mode_of(s.path[SOCKET_ADMIN]), 0600);
    assert_int_equal(mode_of(s.path[SOCKET_LOG]), 0600);
    sockets_hide(&s, SOCKET_AGENT);
    assert_int_equal(access(s.path[SOCKET_AGENT], F_OK), -1);
    assert_int_equal(access(s.path[SOCKET_ADMIN], F_OK), 0);
    sockets_done(&s);
    assert_int_equal(access(s.path[SOCKET_ADMIN], F_OK), -1);
}

static void sockets_open_live_is_refused_stale_is_replaced(void **state)
{
    const struct room *r = *state;
    char text[ERR] = "", want[ERR];
    struct sockets first, second;

    sockets_init(&first);
    sockets_init(&second);
    assert_int_equal(sockets_open(&first, &r->config, &nothing, text, ERR),
                     TS_OK);
    assert_int_equal(sockets_publish(&first, text, ERR), TS_OK);
    assert_int_equal(sockets_open(&second, &r->config, &nothing, text, ERR),
                     TS_E_EXISTS);
    (void)snprintf(want, sizeof(want),
                   "%s/agent/agent.sock: another service answers there; stop "
                   "it, or set another run_dir",
                   r->dir);
    assert_string_equal(text, want);
    for (int i = 0; i < SOCKETS_; i++) /* its service dies, the names stay */
        (void)close(first.fd[i]);
    assert_int_equal(sockets_open(&second, &r->config, &nothing, text, ERR),
                     TS_OK);
    assert_int_equal(sockets_publish(&second, text, ERR), TS_OK);
    sockets_done(&second);
}

static void sockets_open_file_in_the_way_is_refused(void **state)
{
    const struct room *r = *state;
    char path[128], text[ERR] = "", want[ERR];
    struct sockets s;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/agent/agent.sock", r->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    sockets_init(&s);
    assert_int_equal(sockets_open(&s, &r->config, &nothing, text, ERR),
                     TS_E_EXISTS);
    (void)snprintf(want, sizeof(want),
                   "%s: is not a socket; remove it if nobody needs it", path);
    assert_string_equal(text, want);
    assert_int_equal(unlink(path), 0);
}

/* agent.sock is the longer of the two names of a directory: 107 bytes go,
 * 108 are refused, and nothing is bound under a shortened name. */
static void sockets_open_path_of_107_bytes_goes_108_does_not(void **state)
{
    const struct room *r = *state;
    size_t tail = strlen("/agent/agent.sock");
    char run[SOCKET_PATH_MAX + 2], text[ERR] = "";
    struct config c = r->config;

    for (size_t len = SOCKET_PATH_MAX; len <= SOCKET_PATH_MAX + 1; len++) {
        struct sockets s;
        size_t n = len - tail;
        ts_err e;

        memset(run, 'x', n);
        memcpy(run, r->dir, strlen(r->dir));
        run[strlen(r->dir)] = '/';
        run[n] = '\0';
        c.run_dir = run;
        sockets_init(&s);
        e = sockets_open(&s, &c, &nothing, text, ERR);
        assert_int_equal(e, len == SOCKET_PATH_MAX ? TS_OK : TS_E_LIMIT);
        sockets_done(&s);
        (void)snprintf(text, sizeof(text), "%s/agent", run);
        (void)rmdir(text);
        (void)snprintf(text, sizeof(text), "%s/admin", run);
        (void)rmdir(text);
        (void)rmdir(run);
    }
}

#define AT 40 /* where the test puts descriptors "from systemd" */

static int listening(int type, bool listens)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX}; /* the kernel names it */
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)), 0);
    if (listens)
        assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void place(int at, int fd)
{
    assert_int_equal(dup2(fd, at), at);
    (void)close(fd);
}

static ts_err from_manager(const struct room *r, const char *pid,
                           const char *fds, const char *names,
                           struct sockets *s)
{
    char text[ERR] = "";
    const struct sockets_listen from = {
        .pid = pid, .fds = fds, .names = names, .self = 42, .first_fd = AT};

    sockets_init(s);
    return sockets_open(s, &r->config, &from, text, ERR);
}

static void sockets_open_takes_over_by_name_in_any_order(void **state)
{
    static const char *const orders[] = {"agent:admin:log", "log:agent:admin",
                                         "admin:log:agent"};

    for (size_t o = 0; o < 3; o++) {
        struct sockets s;

        for (int i = 0; i < 3; i++)
            place(AT + i, listening(SOCK_STREAM, true));
        assert_int_equal(from_manager(*state, "42", "3", orders[o], &s), TS_OK);
        assert_true(s.inherited);
        for (int i = 0; i < SOCKETS_; i++) {
            assert_true(s.fd[i] >= AT);
            assert_int_equal(fcntl(s.fd[i], F_GETFD), FD_CLOEXEC);
        }
        assert_int_equal(s.fd[SOCKET_AGENT],
                         AT + (o == 0 ? 0 : (o == 1 ? 1 : 2)));
        sockets_done(&s);
    }
}

static void sockets_open_bad_hand_overs_are_refused(void **state)
{
    static const struct {
        const char *fds, *names;
        int type;
        bool listens;
    } rows[] = {
        {"3", "agent:admin:agent", SOCK_STREAM, true},
        {"3", "agent:admin", SOCK_STREAM, true},
        {"3", "agent:admin:tail", SOCK_STREAM, true},
        {"3", "agent:admin:log", SOCK_STREAM, false},
        {"3", "agent:admin:log", SOCK_SEQPACKET, true},
        {"1", "agent", SOCK_STREAM, true},
        {"33", "agent:admin:log", SOCK_STREAM, true},
        {"x", "agent:admin:log", SOCK_STREAM, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sockets s;

        for (int k = 0; k < 3; k++)
            place(AT + k, listening(rows[i].type, rows[i].listens));
        assert_int_equal(
            from_manager(*state, "42", rows[i].fds, rows[i].names, &s),
            TS_E_INVALID);
        for (int k = 0; k < 3; k++)
            (void)close(AT + k);
    }
}

static void
sockets_open_listen_fds_for_another_process_are_ignored(void **state)
{
    struct sockets s;

    assert_int_equal(from_manager(*state, "41", "3", "agent:admin:log", &s),
                     TS_OK);
    assert_false(s.inherited);
    sockets_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_open_is_seen_only_when_published),
        cmocka_unit_test(sockets_open_live_is_refused_stale_is_replaced),
        cmocka_unit_test(sockets_open_file_in_the_way_is_refused),
        cmocka_unit_test(sockets_open_path_of_107_bytes_goes_108_does_not),
        cmocka_unit_test(sockets_open_takes_over_by_name_in_any_order),
        cmocka_unit_test(sockets_open_bad_hand_overs_are_refused),
        cmocka_unit_test(
            sockets_open_listen_fds_for_another_process_are_ignored),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
