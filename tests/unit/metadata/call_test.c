/* Registers of every call that is stopped, and of calls that are not. */
#include "tests/lib/ts_test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "sidecar/launcher/metadata/call.h"

#define PATH  0x1000u
#define TIMES 0x2000u
#define CWD   ((uint64_t)(int64_t)AT_FDCWD)
#define HIGH  0xdeadbeef00000000u /* the kernel does not look there */

static struct metadata_call good(int nr, const uint64_t a[6])
{
    struct seccomp_data d = {.nr = nr};
    struct metadata_call c;

    memcpy(d.args, a, sizeof(d.args));
    assert_int_equal(metadata_decode(&d, &c), 0);
    return c;
}

static int bad(int nr, const uint64_t a[6])
{
    struct seccomp_data d = {.nr = nr};
    struct metadata_call c;

    memcpy(d.args, a, sizeof(d.args));
    return metadata_decode(&d, &c);
}

static void decode_of_modes_takes_path_folder_and_bits(void **state)
{
    struct metadata_call c;

    (void)state;
#ifdef SYS_chmod
    c = good(SYS_chmod, (uint64_t[6]){PATH, HIGH | 0177640});
    assert_int_equal(c.kind, METADATA_MODE);
    assert_int_equal(c.fd, AT_FDCWD);
    assert_true(c.has_path && !c.no_follow && c.path == PATH);
    assert_int_equal(c.mode, 07640);
#endif
    c = good(SYS_fchmod, (uint64_t[6]){HIGH | 7, 0600});
    assert_true(!c.has_path && c.fd == 7 && c.mode == 0600);
    c = good(SYS_fchmodat, (uint64_t[6]){HIGH | 9, PATH, 0600, 0xffff});
    assert_true(c.fd == 9 && c.path == PATH && c.mode == 0600 && !c.no_follow);
    c = good(452, (uint64_t[6]){CWD, PATH, 0600, AT_SYMLINK_NOFOLLOW});
    assert_true(c.fd == AT_FDCWD && c.no_follow && !c.may_be_empty);
    c = good(452, (uint64_t[6]){3, PATH, 0600, AT_EMPTY_PATH});
    assert_true(c.may_be_empty && !c.no_follow);
    assert_int_equal(bad(452, (uint64_t[6]){CWD, PATH, 0600, 1}), EINVAL);
}

static void decode_of_owners_takes_both_and_flags(void **state)
{
    struct metadata_call c;

    (void)state;
#ifdef SYS_chown
    c = good(SYS_chown, (uint64_t[6]){PATH, HIGH | 5, UINT32_MAX});
    assert_true(c.kind == METADATA_OWNER && c.uid == 5 && c.gid == UINT32_MAX);
    assert_false(c.no_follow);
    c = good(SYS_lchown, (uint64_t[6]){PATH, 5, 6});
    assert_true(c.no_follow && c.uid == 5 && c.gid == 6);
#endif
    c = good(SYS_fchown, (uint64_t[6]){4, 5, 6});
    assert_true(!c.has_path && c.fd == 4 && c.uid == 5 && c.gid == 6);
    c = good(SYS_fchownat, (uint64_t[6]){4, PATH, 5, 6, AT_SYMLINK_NOFOLLOW});
    assert_true(c.fd == 4 && c.no_follow && c.uid == 5 && c.gid == 6);
    assert_int_equal(bad(SYS_fchownat, (uint64_t[6]){4, PATH, 5, 6, 0x200}),
                     EINVAL);
}

static void
decode_of_times_knows_their_forms_and_a_descriptor_alone(void **state)
{
    struct metadata_call c;

    (void)state;
#ifdef SYS_utime
    c = good(SYS_utime, (uint64_t[6]){PATH, TIMES});
    assert_true(c.form == METADATA_UTIMBUF && c.times == TIMES);
    c = good(SYS_utimes, (uint64_t[6]){PATH, 0});
    assert_true(c.form == METADATA_TIMEVAL && c.times == 0);
    c = good(SYS_futimesat, (uint64_t[6]){3, 0, TIMES});
    assert_true(!c.has_path && c.fd == 3 && c.form == METADATA_TIMEVAL);
    c = good(SYS_utimes, (uint64_t[6]){0, 0}); /* a bad address, no file */
    assert_true(c.has_path && c.path == 0);
#endif
    c = good(SYS_utimensat, (uint64_t[6]){3, 0, TIMES, 0});
    assert_true(!c.has_path && c.fd == 3 && c.form == METADATA_TIMESPEC);
    c = good(SYS_utimensat, (uint64_t[6]){CWD, 0, TIMES, 0});
    assert_true(c.has_path && c.path == 0);
    assert_int_equal(
        bad(SYS_utimensat, (uint64_t[6]){3, 0, TIMES, AT_SYMLINK_NOFOLLOW}),
        EINVAL);
}

static void decode_of_processors_takes_thread_and_mask(void **state)
{
    struct metadata_call c =
        good(SYS_sched_setaffinity, (uint64_t[6]){HIGH | 77, 128, TIMES});

    (void)state;
    assert_int_equal(c.kind, METADATA_PROCESSORS);
    assert_true(c.pid == 77 && c.mask_len == 128 && c.mask == TIMES);
}

static void decode_of_any_other_number_is_refused(void **state)
{
    (void)state;
    for (int nr = -1; nr < 600; nr++) {
        const uint64_t none[6] = {0};
        bool known = false;

        for (const int *k = metadata_calls; *k >= 0; k++)
            known = known || *k == nr;
        assert_int_equal(bad(nr, none) == ENOSYS, !known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_of_modes_takes_path_folder_and_bits),
        cmocka_unit_test(decode_of_owners_takes_both_and_flags),
        cmocka_unit_test(
            decode_of_times_knows_their_forms_and_a_descriptor_alone),
        cmocka_unit_test(decode_of_processors_takes_thread_and_mask),
        cmocka_unit_test(decode_of_any_other_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
