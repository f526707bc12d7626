#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/trust/keys.h"

struct dir {
    char path[64];
    int fd;
};

static int setup(void **state)
{
    static struct dir d;

    (void)snprintf(d.path, sizeof(d.path), "/tmp/ts-keys-XXXXXX");
    if (trust_init() != TS_OK || mkdtemp(d.path) == NULL)
        return -1;
    d.fd = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = &d;
    return d.fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const names[] = {"k", "l", "f", "d"};
    struct dir *d = *state;

    for (size_t i = 0; i < 4; i++)
        if (unlinkat(d->fd, names[i], 0) != 0)
            (void)unlinkat(d->fd, names[i], AT_REMOVEDIR);
    ts_fd_close(&d->fd);
    return rmdir(d->path);
}

static void put(const struct dir *d, size_t len, mode_t mode)
{
    uint8_t b[100];
    int fd;

    (void)unlinkat(d->fd, "k", 0);
    fd = openat(d->fd, "k", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    memset(b, 9, sizeof(b));
    assert_int_equal(write(fd, b, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    ts_fd_close(&fd);
}

static ts_err load(const struct dir *d, const char *name, char *why, size_t cap)
{
    struct trust_secret s = {0};
    ts_err e = trust_secret_load(d->fd, name, geteuid(), &s, why, cap);

    if (e == TS_OK)
        trust_secret_done(&s);
    else
        assert_null(s.sk);
    return e;
}

static void only_private_seed_files_are_read(void **state)
{
    static const struct {
        size_t len;
        mode_t mode;
        ts_err want;
        const char *says;
    } cases[] = {
        {32, 0400, TS_OK, NULL},
        {32, 0600, TS_OK, NULL},
        {32, 0440, TS_E_INVALID, "0400"},
        {32, 0404, TS_E_INVALID, "0400"},
        {32, 0410, TS_E_INVALID, "0400"},
        {31, 0400, TS_E_INVALID, "exactly"},
        {33, 0400, TS_E_INVALID, "exactly"},
        {64, 0400, TS_E_INVALID, "key pair"},
        {0, 0400, TS_E_INVALID, "exactly"},
    };
    const struct dir *d = *state;
    char why[256];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put(d, cases[i].len, cases[i].mode);
        assert_int_equal(load(d, "k", why, sizeof(why)), cases[i].want);
        if (cases[i].says != NULL)
            assert_non_null(strstr(why, cases[i].says));
    }
}

static void what_is_not_a_plain_file_of_ours_is_refused(void **state)
{
    const struct dir *d = *state;
    struct trust_secret s = {0};
    char why[256];

    put(d, 32, 0400);
    assert_int_equal(symlinkat("k", d->fd, "l"), 0);
    assert_int_not_equal(load(d, "l", why, sizeof(why)), TS_OK);
    assert_non_null(strstr(why, "symlink"));
    assert_int_equal(mkfifoat(d->fd, "f", 0400), 0);
    assert_int_equal(load(d, "f", why, sizeof(why)), TS_E_INVALID);
    assert_int_equal(mkdirat(d->fd, "d", 0700), 0);
    assert_int_equal(load(d, "d", why, sizeof(why)), TS_E_INVALID);
    assert_int_equal(load(d, "none", why, sizeof(why)), TS_E_NOT_FOUND);
    assert_int_equal(
        trust_secret_load(d->fd, "k", geteuid() + 1, &s, why, sizeof(why)),
        TS_E_INVALID);
    assert_non_null(strstr(why, "chown"));
    assert_int_equal(trust_secret_load(d->fd, "k", geteuid() + 1, &s, why, 1),
                     TS_E_INVALID);
    assert_string_equal(why, ""); /* the smallest text buffer is safe */
}

static void seed_is_wiped_and_the_public_half_derived(void **state)
{
    uint8_t seed[TRUST_SEED_LEN], zero[TRUST_SEED_LEN] = {0};
    uint8_t pk[32], sk[64], sig[64];
    struct trust_secret s = {0};

    (void)state;
    memset(seed, 7, sizeof(seed));
    assert_int_equal(crypto_sign_seed_keypair(pk, sk, seed), 0);
    assert_int_equal(trust_secret_from_seed(seed, &s), TS_OK);
    assert_memory_equal(seed, zero, sizeof(seed));
    assert_memory_equal(s.pk, pk, sizeof(pk));
    assert_int_equal(
        crypto_sign_detached(sig, NULL, (const uint8_t *)"m", 1, s.sk), 0);
    assert_int_equal(
        crypto_sign_verify_detached(sig, (const uint8_t *)"m", 1, pk), 0);
    trust_secret_done(&s);
    assert_null(s.sk);
    trust_secret_done(&s); /* twice is fine */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_private_seed_files_are_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            what_is_not_a_plain_file_of_ours_is_refused, setup, teardown),
        cmocka_unit_test(seed_is_wiped_and_the_public_half_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
