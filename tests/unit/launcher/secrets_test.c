/* Secrets of a tool: from their files to descriptors, and nowhere else. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/tripwire/tripwire.h"
#include "sidecar/launcher/start/secrets.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

struct room {
    char dir[64];
    int fd;
    char path[MANIFEST_SECRETS_MAX][96];
    struct manifest_secret list[MANIFEST_SECRETS_MAX];
    struct manifest m;
    struct secrets_source from;
    char text[512];
    uint32_t index;
};

static void put(const struct room *r, const char *name, const char *bytes,
                mode_t mode)
{
    int fd =
        openat(r->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(ts_fd_write_all(fd, bytes, strlen(bytes)), TS_OK);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

/* Names one more secret of the manifest. */
static void want(struct room *r, enum secret_source source, const char *name,
                 enum secret_delivery delivery)
{
    uint32_t i = r->m.secret_count++;
    size_t n = 0;

    assert_true(i < MANIFEST_SECRETS_MAX);
    memset(r->path[i], 0, sizeof(r->path[i]));
    if (source == SECRET_FILE) {
        n = strlen(r->dir);
        memcpy(r->path[i], r->dir, n);
        r->path[i][n++] = '/';
    }
    memcpy(r->path[i] + n, name, strlen(name));
    r->list[i] = (struct manifest_secret){.name = ts_str_of("S"),
                                          .source = source,
                                          .from = ts_str_of(r->path[i]),
                                          .delivery = delivery};
    r->m.secrets = r->list;
}

static int setup(void **state)
{
    struct room *r = test_calloc(1, sizeof(*r));

    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/ts-secrets-XXXXXX");
    if (mkdtemp(r->dir) == NULL)
        return -1;
    r->fd = open(r->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    r->from =
        (struct secrets_source){.credentials_fd = r->fd, .owner = geteuid()};
    *state = r;
    return r->fd < 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct room *r = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlinkat(r->fd, names[i], 0);
    (void)rmdir(r->dir);
    ts_fd_close(&r->fd);
    test_free(r);
    return 0;
}

static ts_err load(struct room *r, struct secrets **ret)
{
    r->text[0] = '\0';
    return secrets_load(&r->m, &r->from, ret, &r->index, r->text,
                        sizeof(r->text));
}

/* No filter stands in this test, so any key fits. */
static const struct filter_key any_key = {.word = {1, 2}};

static void secrets_give_each_call_gets_its_own_copies(void **state)
{
    struct room *r = *state;
    struct child_given given[CHILD_GIVEN_MAX];
    struct secrets *s = NULL;
    char buf[64];
    int err = 0;

    put(r, "a", "first secret\n", 0400);
    put(r, "b", "second secret", 0600);
    put(r, "c", "only the broker's", 0400);
    want(r, SECRET_FILE, "a", SECRET_PIPE);
    want(r, SECRET_FILE, "c", SECRET_HEADER);
    want(r, SECRET_CREDENTIAL, "b", SECRET_MEMFD);
    assert_int_equal(load(r, &s), TS_OK);
    for (int round = 0; round < 3; round++) {
        uint32_t n = 0;

        assert_int_equal(secrets_give(s, &any_key, given, &n, &err), TS_OK);
        assert_int_equal(n, 2);
        assert_int_equal(given[0].number, GIVEN_SECRET);
        assert_int_equal(given[1].number, GIVEN_SECRET + 1);
        /* as it is in its file, once */
        assert_int_equal(read(given[0].fd, buf, sizeof(buf)), 13);
        assert_memory_equal(buf, "first secret\n", 13);
        assert_int_equal(read(given[0].fd, buf, sizeof(buf)), 0);
        /* from the start, as often as one likes, unchangeable */
        for (int again = 0; again < 2; again++) {
            assert_int_equal(lseek(given[1].fd, 0, SEEK_SET), 0);
            assert_int_equal(read(given[1].fd, buf, sizeof(buf)), 13);
            assert_memory_equal(buf, "second secret", 13);
        }
        assert_int_equal(pwrite(given[1].fd, "x", 1, 0), -1);
        assert_int_equal(ftruncate(given[1].fd, 0), -1);
        assert_int_equal(ftruncate(given[1].fd, 4096), -1);
        assert_int_equal(fcntl(given[1].fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(fcntl(given[i].fd, F_GETFD), FD_CLOEXEC);
            assert_int_equal(close(given[i].fd), 0);
        }
    }
    secrets_free(s);
}

static void secrets_load_tool_without_any_gets_none(void **state)
{
    struct room *r = *state;
    struct secrets *s = (struct secrets *)1;
    struct child_given given[CHILD_GIVEN_MAX];
    struct ts_buf list;
    uint32_t n = 3;
    int err = 0;

    want(r, SECRET_CREDENTIAL, "absent", SECRET_HEADER); /* not read here */
    assert_int_equal(load(r, &s), TS_OK);
    assert_null(s);
    assert_int_equal(secrets_give(s, &any_key, given, &n, &err), TS_OK);
    assert_int_equal(n, 3);
    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    assert_int_equal(secrets_tripwires(s, ts_str_of(""), &list), TS_OK);
    assert_int_equal(list.len, 0);
    secrets_free(s);
}

static void expect_refused(struct room *r, const char *sentence)
{
    struct secrets *s = NULL;

    assert_int_not_equal(load(r, &s), TS_OK);
    assert_null(s);
    if (strstr(r->text, sentence) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", sentence, r->text);
    r->m.secret_count = 0;
}

static void secrets_load_what_others_can_read_is_refused(void **state)
{
    struct room *r = *state;
    char big[MANIFEST_SECRET_MAX + 2];

    want(r, SECRET_FILE, "absent", SECRET_PIPE);
    expect_refused(r, "No such file");
    want(r, SECRET_CREDENTIAL, "absent", SECRET_PIPE);
    expect_refused(r, "LoadCredential=absent:");
    for (mode_t bit = 1; bit <= 040; bit <<= 1) {
        if (bit == 0100)
            continue;
        put(r, "a", "first secret", 0400 | bit);
        want(r, SECRET_FILE, "a", SECRET_PIPE);
        expect_refused(r, "lets others at a secret");
    }
    put(r, "a", "", 0400);
    want(r, SECRET_FILE, "a", SECRET_PIPE);
    expect_refused(r, "has no bytes");
    put(r, "a", "seven77\n\n", 0400);
    want(r, SECRET_FILE, "a", SECRET_PIPE);
    expect_refused(r, "fewer than 8 bytes");
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    put(r, "a", big, 0400);
    want(r, SECRET_FILE, "a", SECRET_PIPE);
    expect_refused(r, "has more bytes");
    put(r, "a", "first secret", 0400);
    assert_int_equal(symlinkat("a", r->fd, "d"), 0);
    want(r, SECRET_FILE, "d", SECRET_PIPE);
    expect_refused(r, "symbolic link");
    r->from.credentials_fd = -1;
    want(r, SECRET_CREDENTIAL, "a", SECRET_PIPE);
    expect_refused(r, "$CREDENTIALS_DIRECTORY is not set");
    want(r, SECRET_FILE, "a", SECRET_PIPE);
    want(r, SECRET_FILE, "absent", SECRET_MEMFD);
    expect_refused(r, "No such file");
    assert_int_equal(r->index, 1); /* which of them */
}

static void note_raise(void *arg, bool on)
{
    int *n = arg;

    assert_int_equal(*n % 2 == 0, on); /* in turns */
    (*n)++;
}

static void secrets_load_rights_are_raised_for_credentials_only(void **state)
{
    struct room *r = *state;
    struct secrets *s = NULL;
    int raised = 0;

    r->from.raise = note_raise;
    r->from.arg = &raised;
    put(r, "a", "first secret", 0400);
    want(r, SECRET_FILE, "a", SECRET_PIPE);
    assert_int_equal(load(r, &s), TS_OK);
    assert_int_equal(raised, 0);
    secrets_free(s);
    want(r, SECRET_CREDENTIAL, "a", SECRET_PIPE);
    assert_int_equal(load(r, &s), TS_OK);
    assert_int_equal(raised, 2);
    secrets_free(s);
    want(r, SECRET_CREDENTIAL, "absent", SECRET_PIPE);
    expect_refused(r, "no such credential");
    assert_int_equal(raised, 6);
}

static size_t hits_in(struct ts_buf *list, const char *text)
{
    struct tripwires *set = NULL;
    struct redactor *d = NULL;
    struct ts_buf out;
    size_t hits;

    ts_buf_init(&out, 4096);
    assert_int_equal(tripwires_new(ts_buf_bytes(list), list->len, &set), TS_OK);
    assert_int_equal(redactor_new(set, &d), TS_OK);
    assert_int_equal(
        redactor_feed(d, (const uint8_t *)text, strlen(text), &out), TS_OK);
    assert_int_equal(redactor_finish(d, &out), TS_OK);
    hits = redactor_hits(d);
    redactor_free(d);
    tripwires_free(set);
    ts_buf_done(&out);
    return hits;
}

static void secrets_tripwires_know_secrets_and_the_call_s_token(void **state)
{
    static const char text[] = "first secret|second secret|head.body.sig";
    struct room *r = *state;
    struct ts_buf list;
    struct secrets *s = NULL;

    put(r, "a", "first secret\n", 0400);
    put(r, "b", "second secret\r\n", 0400);
    want(r, SECRET_FILE, "a", SECRET_PIPE);
    want(r, SECRET_FILE, "b", SECRET_MEMFD);
    assert_int_equal(load(r, &s), TS_OK);
    for (int with_token = 0; with_token < 2; with_token++) {
        ts_buf_init(&list, TS_TRIPWIRES_MAX);
        assert_int_equal(
            secrets_tripwires(s, ts_str_of(with_token ? "head.body.sig" : ""),
                              &list),
            TS_OK);
        assert_int_equal(hits_in(&list, text), with_token ? 3 : 2);
        ts_buf_done(&list);
    }
    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    assert_int_equal(secrets_tripwires(NULL, ts_str_of("head.body.sig"), &list),
                     TS_OK);
    assert_int_equal(hits_in(&list, text), 1);
    ts_buf_done(&list);
    secrets_free(s);
}

static ts_err scenario(const void *arg)
{
    const struct room *r = arg;
    struct secrets *s = NULL;
    struct ts_buf list;
    uint32_t index;
    char text[512];
    ts_err e = secrets_load(&r->m, &r->from, &s, &index, text, sizeof(text));

    ts_buf_init(&list, TS_TRIPWIRES_MAX);
    if (e == TS_OK)
        e = secrets_tripwires(s, ts_str_of("head.body.sig"), &list);
    ts_buf_done(&list);
    secrets_free(s);
    return e;
}

static void secrets_load_without_memory_says_so_and_leaks_nothing(void **state)
{
    struct room *r = *state;

    put(r, "a", "first secret", 0400);
    want(r, SECRET_FILE, "a", SECRET_PIPE);
    fault_mem_sweep(scenario, r, TS_OK, 4);
}

/* Where memory cannot be locked no secret is held. */
static void secrets_load_without_locked_memory_is_refused(void **state)
{
    struct room *r = *state;
    int status = 0;
    pid_t pid;

#ifdef TS_SANITIZED
    skip(); /* sanitizers lock nothing, and say that they did */
#endif
    put(r, "a", "first secret", 0400);
    want(r, SECRET_FILE, "a", SECRET_PIPE);
    assert_int_equal(fchmodat(r->fd, "a", 0400, 0), 0);
    pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        struct secrets *s = NULL;
        uid_t nobody = 64099;

        /* root may lock without a limit */
        if (geteuid() == 0 && (fchownat(r->fd, "a", nobody, nobody, 0) != 0 ||
                               chmod(r->dir, 0755) != 0 ||
                               syscall(SYS_setresuid, nobody, nobody, nobody)))
            _exit(2);
        r->from.owner = geteuid();
        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0)
            _exit(3);
        _exit(load(r, &s) != TS_OK && s == NULL &&
                      strstr(r->text, "RLIMIT_MEMLOCK") != NULL
                  ? 0
                  : 4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secrets_give_each_call_gets_its_own_copies),
        TEST(secrets_load_tool_without_any_gets_none),
        TEST(secrets_load_what_others_can_read_is_refused),
        TEST(secrets_load_rights_are_raised_for_credentials_only),
        TEST(secrets_tripwires_know_secrets_and_the_call_s_token),
        TEST(secrets_load_without_memory_says_so_and_leaks_nothing),
        TEST(secrets_load_without_locked_memory_is_refused),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
