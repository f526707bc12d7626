#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/trust/key_source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FSGROUP  64020
#define SOMEBODY 64021

struct room {
    char dir[64];
    int fd;
};

static bool is_root(void)
{
    if (geteuid() == 0)
        return true;
    (void)printf("SKIPPED: needs root to give files away\n");
    return false;
}

/* len bytes of one letter. */
static void put(const struct room *r, const char *name, char letter, size_t len,
                mode_t mode)
{
    char bytes[96];
    int fd;

    assert_true(len <= sizeof(bytes));
    memset(bytes, letter, sizeof(bytes));
    fd = openat(r->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    ts_fd_close(&fd);
}

static void owner(const struct room *r, const char *name, uid_t uid, gid_t gid)
{
    assert_int_equal(fchownat(r->fd, name, uid, gid, AT_SYMLINK_NOFOLLOW), 0);
}

static void link_to(const struct room *r, const char *target, const char *name)
{
    (void)unlinkat(r->fd, "tmp", 0);
    assert_int_equal(symlinkat(target, r->fd, "tmp"), 0);
    assert_int_equal(renameat(r->fd, "tmp", r->fd, name), 0);
}

static int setup(void **state)
{
    struct room *r = test_calloc(1, sizeof(*r));

    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/ts-keysrc-XXXXXX");
    if (mkdtemp(r->dir) == NULL || chmod(r->dir, 0755) != 0)
        return -1;
    r->fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = r;
    return r->fd < 0;
}

static int teardown(void **state)
{
    struct room *r = *state;
    const char *const argv[] = {"rm", "-rf", r->dir, NULL};
    pid_t pid = fork();

    if (pid == 0) {
        (void)execv("/bin/rm", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    (void)waitpid(pid, NULL, 0);
    ts_fd_close(&r->fd);
    test_free(r);
    return 0;
}

static ts_err read_key(const struct room *r, const char *where,
                       const char *credentials, uint8_t seed[32],
                       char text[512])
{
    const struct key_source s = {.dir_fd = r->fd,
                                 .where = where,
                                 .credentials = credentials,
                                 .owner = geteuid()};

    text[0] = '\0';
    return key_source_seed(&s, seed, text, 512);
}

static void good(const struct room *r, const char *where,
                 const char *credentials, char letter)
{
    uint8_t seed[32], want[32];
    char text[512];
    ts_err e = read_key(r, where, credentials, seed, text);

    assert_string_equal(text, "");
    assert_int_equal(e, TS_OK);
    memset(want, letter, sizeof(want));
    assert_memory_equal(seed, want, sizeof(want));
}

/* Refused with the file's name and a sentence that has this in it, and nothing
 * is written. */
static void bad(const struct room *r, const char *where,
                const char *credentials, const char *sentence)
{
    uint8_t seed[32], want[32];
    char text[512], head[128];

    memset(seed, 0x5a, sizeof(seed));
    memset(want, 0x5a, sizeof(want));
    assert_int_not_equal(read_key(r, where, credentials, seed, text), TS_OK);
    (void)snprintf(head, sizeof(head), "%s: ", where);
    if (strncmp(text, head, strlen(head)) != 0 ||
        strstr(text, sentence) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", sentence, text);
    assert_memory_equal(seed, want, sizeof(want));
}

static void T11_key_source_plain_files(void **state)
{
    static const struct {
        const char *name, *sentence; /* NULL: good */
        size_t len;
        mode_t mode;
    } rows[] = {
        {"a400", NULL, 32, 0400},
        {"a600", NULL, 32, 0600},
        {"empty", "0 bytes, but a seed has exactly 32", 0, 0400},
        {"short", "31 bytes, but a seed has exactly 32", 31, 0400},
        {"long", "33 bytes, but a seed has exactly 32", 33, 0400},
        {"pair", "a stored key pair is not accepted", 64, 0400},
        {"a440", "lets others at a secret key; chmod 0400 it", 32, 0440},
        {"a404", "mode 0404", 32, 0404},
        {"a420", "mode 0420", 32, 0420},
        {"a500", "mode 0500", 32, 0500},
        {"a4400", "mode 4400", 32, 04400},
    };
    const struct room *r = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        put(r, rows[i].name, 'p', rows[i].len, rows[i].mode);
        if (rows[i].sentence == NULL)
            good(r, rows[i].name, NULL, 'p');
        else
            bad(r, rows[i].name, NULL, rows[i].sentence);
    }
    put(r, "real", 'p', 32, 0400);
    link_to(r, "real", "link");
    bad(r, "link", NULL, "is a symbolic link");
    bad(r, "none", NULL, "No such file or directory; make one with `tipstaff");
    bad(r, "no/dir", NULL, "No such file");
    bad(r, "/dev/null", NULL, "is not a regular file");
    bad(r, "/", NULL, "");
    assert_int_equal(mkfifoat(r->fd, "fifo", 0400), 0);
    bad(r, "fifo", NULL, "is not a regular file");
}

static void key_source_of_another_user_is_refused(void **state)
{
    const struct room *r = *state;

    if (!is_root())
        skip();
    put(r, "foreign", 'p', 32, 0400);
    owner(r, "foreign", SOMEBODY, SOMEBODY);
    bad(r, "foreign", NULL, "belongs to uid 64021, not to root or the caller");
}

static void key_source_credentials_as_systemd_makes_them(void **state)
{
    const struct room *r = *state;
    char dir[96];

    assert_int_equal(mkdirat(r->fd, "cred", 0700), 0);
    (void)snprintf(dir, sizeof(dir), "%s/cred", r->dir);
    put(r, "cred/sidecar", 'c', 32, 0400);
    good(r, "credential:sidecar", dir, 'c');
    bad(r, "credential:sidecar", NULL, "LoadCredential=sidecar:");
    bad(r, "credential:sidecar", "cred", "$CREDENTIALS_DIRECTORY is not set");
    bad(r, "credential:other", dir, "LoadCredential=other:");
    bad(r, "credential:", dir, "one file name");
    bad(r, "credential:../real", dir, "one file name");
    bad(r, "credential:.hidden", dir, "one file name");
    bad(r, "credential:a/b", dir, "one file name");
    bad(r, "credential:sidecar", "/nowhere", "No such file");
    put(r, "cred/loose", 'c', 32, 0444);
    bad(r, "credential:loose", dir, "mode 0444");
    link_to(r, "sidecar", "cred/link");
    bad(r, "credential:link", dir, "is a symbolic link");
    assert_int_equal(fchmodat(r->fd, "cred", 0770, 0), 0);
    bad(r, "credential:sidecar", dir, "others can put files there");
}

/* For User= systemd adds an ACL, of which the mode shows the mask: 0440. */
static void key_source_credentials_with_an_acl(void **state)
{
    const struct room *r = *state;
    char dir[96];

    if (!is_root())
        skip();
    assert_int_equal(mkdirat(r->fd, "acl", 0500), 0);
    (void)snprintf(dir, sizeof(dir), "%s/acl", r->dir);
    put(r, "acl/sidecar", 'c', 32, 0440);
    good(r, "credential:sidecar", dir, 'c');
    owner(r, "acl/sidecar", 0, FSGROUP);
    bad(r, "credential:sidecar", dir, "mode 0440 with group 64020");
    owner(r, "acl/sidecar", 0, 0);
    owner(r, "acl", SOMEBODY, 0);
    bad(r, "credential:sidecar", dir, "belongs to uid 64021");
}

/* The volume of a secret with one key, as the kubelet lays it out. */
static void volume(const struct room *r, char letter, mode_t mode, gid_t group)
{
    assert_int_equal(mkdirat(r->fd, "vol", 01777), 0);
    assert_int_equal(mkdirat(r->fd, "vol/..2026_11_22", 0755), 0);
    put(r, "vol/..2026_11_22/sidecar.seed", letter, 32, mode);
    owner(r, "vol/..2026_11_22/sidecar.seed", 0, group);
    link_to(r, "..2026_11_22", "vol/..data");
    link_to(r, "..data/sidecar.seed", "vol/sidecar.seed");
}

static void key_source_secret_volume_exactly_as_made(void **state)
{
    static const struct {
        mode_t mode;
        gid_t group;
        const char *sentence;
    } rows[] = {
        {0400, 0, NULL},
        {0400, FSGROUP, NULL}, /* the group has no bit */
        {0440, 0, NULL},       /* ours: root's */
        {0440, FSGROUP,
         "set defaultMode: 0400 on the secret volume and "
         "fsGroup to a group of this container"},
        {0444, 0, "mode 0444"},
        {0600, 0, "mode 0600"},
        {0640, 0, "mode 0640"},
        {0404, 0, "mode 0404"},
    };
    static const char where[] = "vol/sidecar.seed";
    const struct room *r = *state;

    if (!is_root())
        skip();
    volume(r, 'v', 0400, 0);
    good(r, where, NULL, 'v');
    for (size_t i = 0; i < COUNT(rows); i++) {
        put(r, "vol/..2026_11_22/sidecar.seed", 'v', 32, rows[i].mode);
        owner(r, "vol/..2026_11_22/sidecar.seed", 0, rows[i].group);
        if (rows[i].sentence == NULL)
            good(r, where, NULL, 'v');
        else
            bad(r, where, NULL, rows[i].sentence);
    }
    put(r, "vol/..2026_11_22/sidecar.seed", 'v', 32, 0400);
    owner(r, "vol/..2026_11_22/sidecar.seed", SOMEBODY, 0);
    bad(r, where, NULL, "belongs to uid 64021, not to root; chown it");
}

static void key_source_links_that_no_kubelet_makes_are_refused(void **state)
{
    static const struct {
        const char *file, *data;
    } rows[] = {
        {"..data/other.seed", "..2026_11_22"},
        {"../real.seed", "..2026_11_22"},
        {"..2026_11_22/sidecar.seed", "..2026_11_22"},
        {"..data/sidecar.seed", ".."},
        {"..data/sidecar.seed", "../elsewhere"},
        {"..data/sidecar.seed", "/tmp"},
        {"..data/sidecar.seed", "plain"},
        {"..data/sidecar.seed", "..none"},
        {"..data/../sidecar.seed", "..2026_11_22"},
    };
    static const char where[] = "vol/sidecar.seed";
    const struct room *r = *state;

    if (!is_root())
        skip();
    volume(r, 'v', 0400, 0);
    put(r, "real.seed", 'v', 32, 0400);
    assert_int_equal(mkdirat(r->fd, "elsewhere", 0755), 0);
    put(r, "elsewhere/sidecar.seed", 'v', 32, 0400);
    assert_int_equal(mkdirat(r->fd, "vol/plain", 0755), 0);
    put(r, "vol/plain/sidecar.seed", 'v', 32, 0400);
    for (size_t i = 0; i < COUNT(rows); i++) {
        link_to(r, rows[i].data, "vol/..data");
        link_to(r, rows[i].file, "vol/sidecar.seed");
        bad(r, where, NULL, "is a symbolic link, and not one of a Kubernetes");
    }
    link_to(r, "..2026_11_22", "vol/..data");
    link_to(r, "..data/sidecar.seed", "vol/sidecar.seed");
    good(r, where, NULL, 'v');
    owner(r, "vol/..data", SOMEBODY, SOMEBODY); /* not the kubelet's */
    bad(r, where, NULL, "is a symbolic link");
    link_to(r, "..2026_11_22", "vol/..data");
    owner(r, "vol/sidecar.seed", SOMEBODY, SOMEBODY);
    bad(r, where, NULL, "is a symbolic link");
}

/* As the user of a container: the group of the file must be among its own. */
static int as_container(const struct room *r, bool in_group)
{
    const gid_t groups[] = {FSGROUP};
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        const struct key_source s = {
            .dir_fd = r->fd, .where = "vol/sidecar.seed", .owner = SOMEBODY};
        uint8_t seed[32];
        char text[512];

        if (setgroups(in_group ? 1 : 0, groups) != 0 ||
            setresgid(SOMEBODY, SOMEBODY, SOMEBODY) != 0 ||
            setresuid(SOMEBODY, SOMEBODY, SOMEBODY) != 0)
            _exit(99);
        _exit(key_source_seed(&s, seed, text, sizeof(text)) == TS_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void key_source_secret_volume_with_fsgroup(void **state)
{
    const struct room *r = *state;

    if (!is_root())
        skip();
    volume(r, 'v', 0440, FSGROUP);
    assert_int_equal(as_container(r, true), 0);
    assert_int_equal(as_container(r, false), 1);
}

/* While a secret is rotated, each read gives the old or the new one. */
static void key_source_secret_volume_rotated_meanwhile(void **state)
{
    const struct room *r = *state;
    int status = 0;
    pid_t pid;

    if (!is_root())
        skip();
    volume(r, 'o', 0400, 0);
    assert_int_equal(mkdirat(r->fd, "vol/..2026_11_23", 0755), 0);
    put(r, "vol/..2026_11_23/sidecar.seed", 'n', 32, 0400);
    pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 2000; i++) {
            if (symlinkat(i % 2 == 0 ? "..2026_11_23" : "..2026_11_22", r->fd,
                          "vol/..tmp") != 0 ||
                renameat(r->fd, "vol/..tmp", r->fd, "vol/..data") != 0)
                _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < 2000; i++) {
        uint8_t seed[32];
        char text[512];

        assert_int_equal(read_key(r, "vol/sidecar.seed", NULL, seed, text),
                         TS_OK);
        assert_true(seed[0] == 'o' || seed[0] == 'n');
        assert_int_equal(seed[0], seed[31]);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void key_source_load_derives_the_public_half(void **state)
{
    const struct room *r = *state;
    const struct key_source s = {
        .dir_fd = r->fd, .where = "k", .owner = geteuid()};
    struct trust_secret got = {0}, want = {0};
    uint8_t seed[32];
    char text[512] = "";

    put(r, "k", 'k', 32, 0400);
    memset(seed, 'k', sizeof(seed));
    assert_int_equal(trust_init(), TS_OK);
    assert_int_equal(trust_secret_from_seed(seed, &want), TS_OK);
    assert_int_equal(key_source_load(&s, &got, text, sizeof(text)), TS_OK);
    assert_memory_equal(got.pk, want.pk, sizeof(want.pk));
    trust_secret_done(&got);
    trust_secret_done(&want);
}

/* Any length within bounds, by the same rules as a seed. */
static void key_source_secret_of_any_length_is_read(void **state)
{
    const struct room *r = *state;
    struct key_source s = {
        .dir_fd = r->fd, .where = "secret", .owner = geteuid()};
    char text[512] = "";
    uint8_t buf[64], zero[64] = {0};
    size_t len = 0;

    put(r, "secret", 's', 1, 0400);
    for (size_t n = 1; n <= sizeof(buf) + 1; n++) {
        ts_err e;

        assert_int_equal(unlinkat(r->fd, "secret", 0), 0);
        put(r, "secret", 's', n, 0400);
        memset(buf, 0x5a, sizeof(buf));
        e = key_source_secret(&s, buf, sizeof(buf), &len, text, sizeof(text));
        if (n <= sizeof(buf)) {
            assert_int_equal(e, TS_OK);
            assert_int_equal(len, n);
            assert_int_equal(buf[n - 1], 's');
        } else {
            assert_int_equal(e, TS_E_INVALID);
            assert_string_equal(text,
                                "secret: has more bytes; a secret has 1 to 64");
            assert_memory_equal(buf, zero, sizeof(buf));
        }
    }
    put(r, "empty", 's', 0, 0400);
    put(r, "loose", 's', 9, 0440);
    link_to(r, "secret", "link");
    s.where = "empty";
    assert_int_equal(
        key_source_secret(&s, buf, sizeof(buf), &len, text, sizeof(text)),
        TS_E_INVALID);
    assert_non_null(strstr(text, "has no bytes"));
    s.where = "loose";
    assert_int_equal(
        key_source_secret(&s, buf, sizeof(buf), &len, text, sizeof(text)),
        TS_E_INVALID);
    assert_non_null(strstr(text, "mode 0440"));
    s.where = "link";
    assert_int_equal(
        key_source_secret(&s, buf, sizeof(buf), &len, text, sizeof(text)),
        TS_E_INVALID);
    assert_non_null(strstr(text, "symbolic link"));
}

/* A process that was given the folder's descriptor, not its name. */
static void key_source_credentials_by_descriptor_are_found(void **state)
{
    const struct room *r = *state;
    struct key_source s = {.dir_fd = AT_FDCWD,
                           .has_credentials_fd = true,
                           .where = "credential:api",
                           .owner = geteuid()};
    char text[512] = "";
    uint8_t buf[64];
    size_t len = 0;

    assert_int_equal(mkdirat(r->fd, "cred", 0700), 0);
    put(r, "cred/api", 'a', 20, 0400);
    s.credentials_fd = openat(r->fd, "cred", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(
        key_source_secret(&s, buf, sizeof(buf), &len, text, sizeof(text)),
        TS_OK);
    assert_int_equal(len, 20);
    s.where = "credential:other";
    assert_int_equal(
        key_source_secret(&s, buf, sizeof(buf), &len, text, sizeof(text)),
        TS_E_NOT_FOUND);
    assert_non_null(strstr(text, "LoadCredential=other:/path/of/the.secret"));
    assert_int_equal(fchmodat(r->fd, "cred", 0777, 0), 0);
    s.where = "credential:api";
    assert_int_equal(
        key_source_secret(&s, buf, sizeof(buf), &len, text, sizeof(text)),
        TS_E_INVALID);
    assert_int_equal(close(s.credentials_fd), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(T11_key_source_plain_files),
        TEST(key_source_of_another_user_is_refused),
        TEST(key_source_credentials_as_systemd_makes_them),
        TEST(key_source_credentials_with_an_acl),
        TEST(key_source_secret_volume_exactly_as_made),
        TEST(key_source_links_that_no_kubelet_makes_are_refused),
        TEST(key_source_secret_volume_with_fsgroup),
        TEST(key_source_secret_volume_rotated_meanwhile),
        TEST(key_source_load_derives_the_public_half),
        TEST(key_source_secret_of_any_length_is_read),
        TEST(key_source_credentials_by_descriptor_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
