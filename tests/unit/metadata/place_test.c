/* Where a file lies, as a real kernel tells it. */
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/launcher/metadata/place.h"

/* DIR/own/a/f DIR/own/link -> ../other/f DIR/own/hard = DIR/own/a/f
 * DIR/other/f DIR/other/from-own = DIR/own/a/f */
static const struct filter_key key = {{1, 2}}; /* no filter: nobody asks */
static char dir[64];
static struct place_root root;
static int proc_fds;

static int at(const char *path, int flags)
{
    char full[256];

    (void)snprintf(full, sizeof(full), "%s/%s", dir, path);
    return open(full, flags | O_CLOEXEC, 0600);
}

static void put(const char *path)
{
    int fd = at(path, O_CREAT | O_WRONLY);

    assert_true(fd >= 0);
    (void)close(fd);
}

static const char *name(const char *path)
{
    static char full[4][256];
    static unsigned turn;
    char *p = full[turn++ % 4];

    (void)snprintf(p, 256, "%s/%s", dir, path);
    return p;
}

static int set_up(void **state)
{
    struct stat st;

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/ts-place-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(mkdir(name("own"), 0700), 0);
    assert_int_equal(mkdir(name("own/a"), 0700), 0);
    assert_int_equal(mkdir(name("other"), 0700), 0);
    put("own/a/f");
    put("other/f");
    assert_int_equal(link(name("own/a/f"), name("own/hard")), 0);
    assert_int_equal(link(name("own/a/f"), name("other/from-own")), 0);
    assert_int_equal(symlink("../other/f", name("own/link")), 0);
    root.fd = at("own", O_PATH);
    assert_int_equal(fstat(root.fd, &st), 0);
    root.dev = st.st_dev;
    root.ino = st.st_ino;
    proc_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(proc_fds >= 0);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* What lies too deep for a path is removed folder by folder. */
static void remove_deep(void)
{
    char part[201];
    int fd;

    memset(part, 'd', 200);
    part[200] = '\0';
    fd = at("own", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 40; i++) {
        int next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (next < 0)
            break;
        (void)close(fd);
        fd = next;
    }
    for (int i = 0; i < 40; i++) {
        int up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        (void)close(fd);
        fd = up;
        (void)unlinkat(fd, part, AT_REMOVEDIR);
    }
    (void)close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    remove_deep();
    (void)close(root.fd);
    (void)close(proc_fds);
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int judge(int fd)
{
    int err = place_judge(fd, proc_fds, &root, 1, &key);

    assert_true(fd >= 0);
    (void)close(fd);
    return err;
}

static void judge_of_what_lies_beneath_is_yes(void **state)
{
    (void)state;
    assert_int_equal(judge(at("own/a/f", O_PATH)), 0);
    assert_int_equal(judge(at("own/a/f", O_RDONLY)), 0);
    assert_int_equal(judge(at("own/hard", O_PATH)), 0);
    assert_int_equal(judge(at("own/a", O_PATH)), 0);
    assert_int_equal(judge(at("own", O_PATH)), 0);
    assert_int_equal(judge(at("own/link", O_PATH | O_NOFOLLOW)), 0);
}

static void judge_of_what_lies_elsewhere_is_no(void **state)
{
    (void)state;
    assert_int_equal(judge(at("other/f", O_PATH)), EPERM);
    assert_int_equal(judge(at("other/f", O_RDONLY)), EPERM);
    assert_int_equal(judge(at("own/link", O_PATH)), EPERM); /* followed */
    assert_int_equal(judge(at("own/a/../../other/f", O_PATH)), EPERM);
    assert_int_equal(judge(at("", O_PATH)), EPERM); /* above */
    assert_int_equal(judge(open("/", O_PATH | O_CLOEXEC)), EPERM);
    assert_int_equal(judge(open("/proc/self/status", O_PATH | O_CLOEXEC)),
                     EPERM);
}

/* As Landlock: by the name that was used. */
static void judge_of_a_link_outside_to_an_own_file_is_by_its_place(void **state)
{
    (void)state;
    assert_int_equal(judge(at("other/from-own", O_PATH)), EPERM);
}

static void judge_of_what_has_no_place_is_no(void **state)
{
    int p[2];

    (void)state;
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    assert_int_equal(judge(p[0]), EPERM);
    assert_int_equal(judge(p[1]), EPERM);
}

static void judge_of_a_nameless_file_is_yes(void **state)
{
    int fd = at("own", O_TMPFILE | O_RDWR);

    (void)state;
    assert_int_equal(judge(fd), 0);
    fd = at("own/gone", O_CREAT | O_RDWR);
    assert_int_equal(unlink(name("own/gone")), 0);
    assert_int_equal(judge(fd), 0);
}

/* The kernel's name of it is then that of another file. */
static void judge_of_a_name_taken_by_another_is_no(void **state)
{
    int fd;

    (void)state;
    put("other/moved");
    assert_int_equal(link(name("other/moved"), name("other/kept")), 0);
    fd = at("other/moved", O_PATH);
    assert_int_equal(unlink(name("other/moved")), 0);
    put("own/moved (deleted)"); /* and a name made to look like the answer */
    put("other/moved (deleted)");
    assert_int_equal(judge(fd), EPERM);
}

static void judge_of_a_moved_file_follows_it(void **state)
{
    int fd = at("own/a/f", O_PATH);

    (void)state;
    assert_int_equal(rename(name("own/a/f"), name("own/a/g")), 0);
    assert_int_equal(judge(fd), 0);
    fd = at("own/a/g", O_PATH);
    assert_int_equal(rename(name("own/a/g"), name("other/g")), 0);
    assert_int_equal(judge(fd), EPERM); /* somebody outside took it */
    assert_int_equal(rename(name("other/g"), name("own/a/f")), 0);
}

static void judge_at_great_depth_ends(void **state)
{
    int folder = at("own", O_PATH), next;
    char part[201];

    (void)state;
    memset(part, 'd', 200);
    part[200] = '\0';
    for (int i = 0; i < 40; i++) { /* longer than any path may be */
        assert_int_equal(mkdirat(folder, part, 0700), 0);
        next = openat(folder, part, O_PATH | O_CLOEXEC);
        (void)close(folder);
        folder = next;
    }
    assert_int_equal(judge(folder), EPERM); /* nobody can tell */
}

/* One file, swapped with a stranger's under the same name all the time: the
 * inode that was opened is the one that is judged. */
static void *swap(void *stop)
{
    while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
        (void)renameat2(AT_FDCWD, name("own/x"), AT_FDCWD, name("other/x"),
                        RENAME_EXCHANGE);
    return NULL;
}

static void judge_during_swaps_is_right_for_who_never_moves(void **state)
{
    bool stop = false;
    pthread_t t;

    (void)state;
    put("own/x");
    put("other/x");
    assert_int_equal(pthread_create(&t, NULL, swap, &stop), 0);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(judge(at("other/f", O_PATH)), EPERM);
        assert_int_equal(judge(at("own/a/f", O_PATH)), 0);
        (void)place_judge(root.fd, proc_fds, &root, 1, &key);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(t, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judge_of_what_lies_beneath_is_yes),
        cmocka_unit_test(judge_of_what_lies_elsewhere_is_no),
        cmocka_unit_test(
            judge_of_a_link_outside_to_an_own_file_is_by_its_place),
        cmocka_unit_test(judge_of_what_has_no_place_is_no),
        cmocka_unit_test(judge_of_a_nameless_file_is_yes),
        cmocka_unit_test(judge_of_a_name_taken_by_another_is_no),
        cmocka_unit_test(judge_of_a_moved_file_follows_it),
        cmocka_unit_test(judge_at_great_depth_ends),
        cmocka_unit_test(judge_during_swaps_is_right_for_who_never_moves),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
