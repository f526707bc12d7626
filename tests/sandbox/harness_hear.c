/* What a launcher answers, and what is left of its tools. */
#include "harness_priv.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "tests/lib/launcher_rig.h"

#define WAIT_MS 20000

static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
}

/* The next message about an order, with its descriptors if it has some. */
static size_t receive(const struct box *b, uint64_t id, uint8_t *buf,
                      size_t cap, int fds[3])
{
    int gate = box_gate_of(b, id);
    size_t n;

    do {
        wait_for(gate, POLLIN);
        n = launcher_rig_receive(gate, buf, cap, fds);
        assert_true(n > 0);
    } while (buf[0] == HOP_UNSERVED);
    return n;
}

void box_wait_start(struct box *b, uint64_t id, struct outcome *ret)
{
    struct order_refused r;
    uint8_t buf[4096];
    int fds[3] = {-1, -1, -1};
    const char *what = "";
    size_t n = receive(b, id, buf, sizeof(buf), fds);

    memset(ret, 0, sizeof(*ret));
    ret->in_fd = fds[0];
    ret->out_fd = fds[1];
    ret->err_fd = fds[2];
    if (buf[0] == HOP_STARTED) {
        assert_int_equal(
            order_started_decode(buf + 1, n - 1, &ret->on_start, &what), TS_OK);
        assert_int_equal(ret->on_start.order_id, id);
        ret->started = true;
        return;
    }
    assert_int_equal(buf[0], HOP_REFUSED);
    assert_int_equal(order_refused_decode(buf + 1, n - 1, &r, &what), TS_OK);
    assert_int_equal(r.order_id, id);
    ret->code = r.code;
    ret->sys_errno = (int)r.sys_errno;
    (void)snprintf(ret->step, sizeof(ret->step), "%.*s", (int)r.step.len,
                   r.step.ptr);
    (void)snprintf(ret->text, sizeof(ret->text), "%.*s", (int)r.text.len,
                   r.text.ptr);
}

static void read_output(struct outcome *o)
{
    for (;;) {
        size_t room = sizeof(o->out) - 1 - o->out_len;
        char rest[4096];
        ssize_t n;

        wait_for(o->out_fd, POLLIN | POLLHUP);
        n = room > 0 ? read(o->out_fd, o->out + o->out_len, room)
                     : read(o->out_fd, rest, sizeof(rest));
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0)
            break;
        if (room > 0)
            o->out_len += (size_t)n;
    }
    o->out[o->out_len] = '\0';
}

void box_wait_end(struct box *b, uint64_t id, struct outcome *o)
{
    uint8_t buf[4096];
    int fds[3];
    const char *what = "";
    size_t n;

    if (o->out_fd >= 0)
        read_output(o);
    ts_fd_close(&o->in_fd);
    ts_fd_close(&o->out_fd);
    ts_fd_close(&o->err_fd);
    n = receive(b, id, buf, sizeof(buf), fds);
    assert_int_equal(buf[0], HOP_EXITED);
    assert_int_equal(order_exited_decode(buf + 1, n - 1, &o->exited, &what),
                     TS_OK);
    if (id != 0)
        assert_int_equal(o->exited.order_id, id);
}

void box_wait_ready(struct box *b, uint64_t id, struct outcome *o)
{
    char line[7] = "";
    size_t n = 0;

    while (n < 6) {
        ssize_t got;

        wait_for(o->out_fd, POLLIN | POLLHUP);
        got = read(o->out_fd, line + n, 6 - n);
        if (got == 0) {
            box_wait_end(b, id, o);
            fail_msg("it said \"%s\" and ended: reason %d, code %u, signal %u",
                     line, (int)o->exited.reason, o->exited.exit_code,
                     o->exited.signal);
        }
        n += got > 0 ? (size_t)got : 0;
    }
    assert_string_equal(line, "ready\n");
}

void box_run(struct box *b, const struct call *c, struct outcome *ret)
{
    uint64_t id = box_send(b, c);

    box_wait_start(b, id, ret);
    if (ret->started)
        box_wait_end(b, id, ret);
}

bool outcome_says(const struct outcome *o, const char *text)
{
    size_t n = strlen(text);

    return o->out_len == n + 1 && memcmp(o->out, text, n) == 0 &&
           o->out[n] == '\n';
}

/* By inode: a tool's own root has other names. */
int box_find_probes(const struct box *b, pid_t *pids, int cap)
{
    char path[256];
    const struct dirent *e;
    struct stat want, st;
    DIR *d = opendir("/proc");
    int count = 0;

    assert_non_null(d);
    box_path(b, "probe", path, sizeof(path));
    assert_int_equal(stat(path, &want), 0);
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] < '0' || e->d_name[0] > '9')
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%.16s/exe", e->d_name);
        if (stat(path, &st) != 0 || st.st_ino != want.st_ino ||
            st.st_dev != want.st_dev)
            continue;
        if (count < cap)
            pids[count] = (pid_t)strtol(e->d_name, NULL, 10);
        count++;
    }
    (void)closedir(d);
    return count;
}

int box_count_probes(const struct box *b)
{
    return box_find_probes(b, NULL, 0);
}

int box_count_fds(const struct box *b)
{
    const struct timespec pause = {0, 10000000};
    int n = box_count_fds_of(b->pid), same = 0;

    for (int i = 0; i < 200 && same < 5; i++) {
        int now;

        (void)nanosleep(&pause, NULL);
        now = box_count_fds_of(b->pid);
        same = now == n ? same + 1 : 0;
        n = now;
    }
    return n;
}

int box_count_fds_of(pid_t pid)
{
    char path[64];
    int n = 0;
    DIR *d;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    d = opendir(path);
    if (d == NULL)
        return -1;
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}
