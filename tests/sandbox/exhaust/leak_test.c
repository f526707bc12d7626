/*
 * Launches in a row, and nothing grows: descriptors, memory, processes, mounts,
 * networks, control groups, scratch folders; and every uid is there again.
 * TIPSTAFF_LAUNCHES says how many at each level; 600 if it does not.
 */
#include "harness.h"
#include "host.h"
#include "limits.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "sidecar/supervisor/cgroups.h"

#define LAUNCHES 600
#define SLICE    42 /* uids of "files": start/uids.c */
#define NETWORKS                                                               \
    6              /* NETWORK_READY, one more while a tool runs, and the       \
                      shared one without a way out */
#define RSS_KB 512 /* what an allocator may keep for itself */

static struct box box;
static struct cgroups made;

static const struct mode {
    const char *name;
    enum box_level most, demand;
    bool has_caps, has_groups, has_broker;
    unsigned one_in; /* of the launches that the others make: they cost more */
    const char *tools[4];
} modes[] = {
    {"bare", BOX_BARE, BOX_BARE, false, false, false, 1, {"plain", "scratch"}},
    {"bare, control groups",
     BOX_BARE,
     BOX_BARE,
     false,
     true,
     false,
     10,
     {"plain"}},
    {"uid",
     BOX_UID,
     BOX_UID,
     true,
     false,
     false,
     1,
     {"plain", "scratch", "speaks"}},
    {"full, unprivileged",
     BOX_FULL,
     BOX_FULL,
     false,
     false,
     false,
     1,
     {"plain", "first"}},
    {"full",
     BOX_FULL,
     BOX_FULL,
     true,
     false,
     false,
     1,
     {"plain", "scratch", "first", "speaks"}},
    {"full, proxy", BOX_FULL, BOX_FULL, true, false, true, 10, {"proxied"}},
    {"strict", BOX_ANY, BOX_STRICT, true, false, false, 2, {"plain"}},
};

struct held {
    int fds, children, mounts, networks, scratch, groups, threads;
    long rss_kb;
};

static unsigned launches(void)
{
    const char *s = getenv("TIPSTAFF_LAUNCHES");
    unsigned long n = s != NULL ? strtoul(s, NULL, 10) : 0;

    return n > 0 && n <= 1000000 ? (unsigned)n : LAUNCHES;
}

static int entries_of(const char *path, const char *prefix)
{
    const struct dirent *e;
    int n = 0;
    DIR *d = opendir(path);

    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] != '.' &&
             strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    (void)closedir(d);
    return n;
}

static int count_in(const char *path, char what)
{
    FILE *f = fopen(path, "re");
    int n = 0, c;

    assert_non_null(f);
    while ((c = fgetc(f)) != EOF)
        n += c == what;
    (void)fclose(f);
    return n;
}

static long status_number(pid_t pid, const char *label)
{
    char path[64], line[256];
    long n = -1;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, label, strlen(label)) == 0)
            n = strtol(line + strlen(label), NULL, 10);
    (void)fclose(f);
    return n;
}

static struct held look(pid_t pid)
{
    char path[128];
    struct held h = {.rss_kb = status_number(pid, "VmRSS:"),
                     .threads = (int)status_number(pid, "Threads:"),
                     .fds = box_count_fds_of(pid),
                     .networks = count_net_namespaces(pid)};

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
                   (int)pid);
    h.children = count_in(path, ' ');
    (void)snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
    h.mounts = count_in(path, '\n');
    box_path(&box, "scratch", path, sizeof(path));
    h.scratch = entries_of(path, "");
    for (int t = 0; box_groups != NULL && t < CGROUPS_TREES; t++)
        if (made.trees[t][0] != '\0')
            h.groups += entries_of(made.trees[t], "t1-");
    return h;
}

static void adopt(pid_t launcher)
{
    cgroups_adopt(&made, launcher);
}

static bool open_groups(char *parent)
{
    static struct box_groups groups;

    assert_non_null(mkdtemp(parent));
    if (getuid() != 0 ||
        cgroups_make(parent, box_user(), box_user(), &made) != TS_OK) {
        print_message("SKIPPED: no cgroup can be made here\n");
        (void)rmdir(parent);
        return false;
    }
    groups = (struct box_groups){.folder_fd = made.folder_fd, .adopt = adopt};
    box_groups = &groups;
    return true;
}

static bool may_open(const struct mode *m)
{
    if ((m->has_caps || m->has_broker) && getuid() != 0) {
        print_message("SKIPPED: %s needs root\n", m->name);
        return false;
    }
    return m->demand < BOX_FULL || host_gives_full(m->has_caps);
}

static struct call call_of(const struct mode *m, unsigned i)
{
    unsigned count = 0;
    struct call c = {.what = "exit", .arg = "7", .box = m->demand};

    while (count < 4 && m->tools[count] != NULL)
        count++;
    c.tool = m->tools[i % count];
    if (strcmp(c.tool, "scratch") == 0)
        c.arg = NULL;
    if (strcmp(c.tool, "speaks") == 0)
        c.token = "header.payload-of-some-length.signature";
    if (m->has_groups)
        c.require = LAYER_CGROUP;
    return c;
}

static void launch(const struct mode *m, unsigned from, unsigned count)
{
    struct outcome o;

    for (unsigned i = from; i < from + count; i++) {
        const struct call c = call_of(m, i);

        box_run(&box, &c, &o);
        if (!o.started)
            fail_msg("%s: launch %u of %s: %s: %s", m->name, i, c.tool, o.step,
                     o.text);
        assert_int_equal(o.exited.reason, END_EXITED);
        assert_int_equal(o.exited.exit_code, c.arg != NULL ? 7 : 0);
        if (m->has_broker) /* nobody else reads what the broker is told */
            assert_int_equal(
                count_open_grants(box_side_of(&box, c.tool).broker), 0);
    }
}

static void assert_no_growth(const struct mode *m, const struct held *a,
                             const struct held *b)
{
    print_message("%s: fds %d, %d; RSS %ld, %ld kB; children %d, %d; "
                  "mounts %d, %d; networks %d, %d; groups %d, %d; "
                  "scratch %d, %d\n",
                  m->name, a->fds, b->fds, a->rss_kb, b->rss_kb, a->children,
                  b->children, a->mounts, b->mounts, a->networks, b->networks,
                  a->groups, b->groups, a->scratch, b->scratch);
    assert_int_equal(a->fds, b->fds);
    assert_int_equal(a->children, b->children);
    assert_int_equal(a->threads, b->threads);
    assert_int_equal(a->mounts, b->mounts);
    assert_int_equal(a->networks, b->networks);
    assert_int_equal(a->groups, b->groups);
    assert_int_equal(b->scratch, 0);
    assert_true(b->rss_kb <= a->rss_kb + RSS_KB);
}

/* As many at the same time as there are uids, and not one more. */
static void assert_every_uid_is_back(const struct mode *m)
{
    struct call c = {.tool = "plain",
                     .what = "exit",
                     .arg = "wait",
                     .has_stdin = true,
                     .box = m->demand};
    static struct outcome o[SLICE + 1];
    uint64_t id[SLICE];

    for (int i = 0; i < SLICE; i++) {
        id[i] = box_send(&box, &c);
        box_wait_start(&box, id[i], &o[i]);
        if (!o[i].started)
            fail_msg("uid %d is not back: %s", i, o[i].text);
    }
    box_run(&box, &c, &o[SLICE]);
    assert_false(o[SLICE].started);
    assert_string_equal(o[SLICE].step, "uids");
    for (int i = 0; i < SLICE; i++) {
        ts_fd_close(&o[i].in_fd);
        box_wait_end(&box, id[i], &o[i]);
        assert_int_equal(o[i].exited.reason, END_EXITED);
    }
}

/* Networks are readied a little after they came back. */
static void settle(const struct mode *m, pid_t pid)
{
    const struct timespec pause = {0, 10000000};
    int last = -1, same = 0;

    for (int i = 0; m->has_broker && i < 1000 && same < 20; i++) {
        int now = box_count_fds_of(pid);

        same = now == last ? same + 1 : 0;
        last = now;
        (void)nanosleep(&pause, NULL);
    }
}

/* Until what stands by is made: networks one at a time, with pauses. */
static void warm_up(const struct mode *m, pid_t pid)
{
    launch(m, 0, 60);
    for (int i = 0; m->has_broker && i < 2000; i++) {
        if (count_net_namespaces(pid) == NETWORKS)
            break;
        launch(m, 0, 1);
    }
    settle(m, pid);
}

static void in_a_row(const struct mode *m)
{
    const struct box_parts parts = {.has_broker = m->has_broker};
    char parent[] = "/tmp/tipstaff-cgroups-XXXXXX";
    unsigned count = launches() / m->one_in;
    struct held a, b;
    pid_t pid;

    if (!may_open(m) || (m->has_groups && !open_groups(parent)))
        return;
    box_open_with(&box, m->most, m->has_caps, &parts);
    pid = box_side_of(&box, m->tools[0]).pid;
    warm_up(m, pid);
    a = look(pid);
    launch(m, 60, count);
    settle(m, pid);
    b = look(pid);
    assert_no_growth(m, &a, &b);
    if (m->has_caps && m->demand >= BOX_UID && !m->has_broker)
        assert_every_uid_is_back(m);
    assert_int_equal(box_count_probes(&box), 0);
    box_close(&box);
    if (!m->has_groups)
        return;
    box_groups = NULL;
    cgroups_done(&made);
    assert_int_equal(rmdir(parent), 0);
}

static int close_each(void **state)
{
    (void)state;
    if (box.pid > 0)
        box_close(&box);
    return 0;
}

static void nothing_grows(void **state)
{
    in_a_row(*state);
}

int main(void)
{
    struct CMUnitTest tests[sizeof(modes) / sizeof(modes[0])];

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct mode *m = (struct mode *)(uintptr_t)&modes[i];

        tests[i] = (struct CMUnitTest){.name = modes[i].name,
                                       .test_func = nothing_grows,
                                       .teardown_func = close_each,
                                       .initial_state = m};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
