/* A program that somebody else could change is not started. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/common/program_file.h"

static char folder[64], file[96];

static int setup(void **state)
{
    FILE *f;

    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/tipstaff-program-XXXXXX");
    if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0)
        return -1;
    (void)snprintf(file, sizeof(file), "%s/run", folder);
    f = fopen(file, "w");
    return f != NULL && fclose(f) == 0 && chmod(file, 0755) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(file);
    return rmdir(folder);
}

static void expect(const char *path, uid_t owner, const char *why)
{
    char text[PROGRAM_FILE_TEXT] = "";
    bool ok = program_file_check(path, owner, text);

    assert_int_equal(ok, why == NULL);
    if (why != NULL && strstr(text, why) == NULL)
        fail_msg("%s: %s, expected: %s", path, text, why);
}

static void only_what_nobody_else_can_change_is_good(void **state)
{
    char text[128];
    uid_t me = geteuid();

    (void)state;
    expect(file, me, NULL);
    expect("run", me, "absolute path");
    expect("", me, "absolute path");
    expect(folder, me, "not a regular file");
    (void)snprintf(text, sizeof(text), "%s/../%s/run", folder,
                   strrchr(folder, '/') + 1);
    expect(text, me, "there is a link in it");
    (void)snprintf(text, sizeof(text), "%s/none", folder);
    expect(text, me, "No such file");
    for (unsigned mode = 0; mode < 01000; mode++) {
        assert_int_equal(chmod(file, (mode_t)mode), 0);
        expect(file, me,
               (mode & 022) != 0   ? "chmod go-w"
               : (mode & 001) == 0 ? "chmod a+x"
                                   : NULL);
    }
    assert_int_equal(chmod(file, 0755), 0);
    assert_int_equal(chmod(folder, 0775), 0);
    expect(file, me, "others can replace it");
    assert_int_equal(chmod(folder, 01777), 0); /* as /tmp itself */
    expect(file, me, NULL);
    assert_int_equal(chmod(folder, 0755), 0);
}

static void only_root_and_the_owner_own_it(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        expect(file, geteuid() + 1, "theirs to write to");
        return;
    }
    assert_int_equal(chown(file, 64005, 64005), 0);
    expect(file, 0, "belongs to somebody else");
    expect(file, 64005, NULL);
    assert_int_equal(chown(folder, 64006, 64006), 0);
    expect(file, 64005, "theirs to write to");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(only_what_nobody_else_can_change_is_good),
        T(only_root_and_the_owner_own_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
