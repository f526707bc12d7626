#include "look.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>

#include "tests/lib/ts_test.h"

static int count_entries(const char *path)
{
    const struct dirent *e;
    int n = 0;
    DIR *d = opendir(path);

    if (d == NULL)
        return -1;
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

static int count_in(const char *path, char what)
{
    FILE *f = fopen(path, "re");
    int n = 0, c;

    if (f == NULL)
        return -1;
    while ((c = fgetc(f)) != EOF)
        n += c == what;
    (void)fclose(f);
    return n;
}

struct look look_at(const struct box *b)
{
    char path[256];
    struct look s;

    s.fds = box_count_fds(b);
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)b->pid,
                   (int)b->pid);
    s.children = count_in(path, ' ');
    (void)snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)b->pid);
    s.mounts = count_in(path, '\n');
    box_path(b, "scratch", path, sizeof(path));
    s.scratch = count_entries(path);
    return s;
}

struct look look_again(const struct box *b, struct look before)
{
    const struct timespec pause = {0, 10000000};
    struct look now = look_at(b);

    for (int i = 0; i < 1000 && now.mounts != before.mounts; i++) {
        (void)nanosleep(&pause, NULL);
        now = look_at(b);
    }
    return now;
}

void look_same(struct look now, struct look before)
{
    /* fewer may stand by for later calls; more is a leak */
    assert_true(now.fds <= before.fds);
    assert_true(now.children <= before.children);
    assert_int_equal(now.mounts, before.mounts);
    assert_int_equal(now.scratch, before.scratch);
}
