#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "tests/lib/fault_mem.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define STR(s)                                                                 \
    {                                                                          \
        s, sizeof(s) - 1                                                       \
    }

static const struct bundle_file three[] = {
    {STR("tenants/acme/trust.yaml"), STR("a")},
    {STR("tools/a.yaml"), STR("")},
    {STR("tools/b.yaml"), STR("bb")},
};

static void bundle_write_then_open_gives_the_same(void **state)
{
    struct bundle b;
    const struct bundle_file *f;
    size_t n = 0;
    int fd = -1;

    (void)state;
    assert_int_equal(bundle_write(three, COUNT(three), &fd), TS_OK);
    assert_int_equal(bundle_open(fd, &b), TS_OK);
    assert_int_equal(b.count, 3);
    f = bundle_prefix(&b, "tools/", &n);
    assert_int_equal(n, 2);
    assert_true(ts_str_eq_c(f[0].name, "tools/a.yaml"));
    assert_true(ts_str_eq_c(f[1].content, "bb"));
    assert_non_null(bundle_find(&b, "tenants/acme/trust.yaml"));
    assert_null(bundle_find(&b, "tenants/acme/trust.yam"));
    assert_null(bundle_find(&b, "tools/c.yaml"));
    assert_null(bundle_prefix(&b, "zzz", &n));
    assert_int_equal(n, 0);
    bundle_done(&b);
    ts_fd_close(&fd);
}

/* Contents at the borders of the msgpack heads. */
static void bundle_write_every_size_of_head_comes_back(void **state)
{
    static const size_t sizes[] = {0, 1, 255, 256, 65535, 65536, 300000};
    char *room = malloc(300000);

    (void)state;
    assert_non_null(room);
    memset(room, 'y', 300000);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct bundle_file f = {TS_STR_LIT("tools/x.yaml"), {room, sizes[i]}};
        struct bundle b;
        int fd = -1;

        assert_int_equal(bundle_write(&f, 1, &fd), TS_OK);
        assert_int_equal(bundle_open(fd, &b), TS_OK);
        assert_int_equal(b.files[0].content.len, sizes[i]);
        bundle_done(&b);
        ts_fd_close(&fd);
    }
    free(room);
}

static void bundle_write_unsorted_or_bad_names_refused(void **state)
{
    struct bundle_file bad[2] = {three[2], three[1]};
    struct bundle_file same[2] = {three[1], three[1]};
    struct bundle_file empty = {TS_STR_LIT(""), TS_STR_LIT("x")};
    int fd = -1;

    (void)state;
    assert_int_equal(bundle_write(bad, 2, &fd), TS_E_INVALID);
    assert_int_equal(bundle_write(same, 2, &fd), TS_E_INVALID);
    assert_int_equal(bundle_write(&empty, 1, &fd), TS_E_INVALID);
    assert_int_equal(bundle_write(three, BUNDLE_FILES_MAX + 1, &fd),
                     TS_E_LIMIT);
    assert_int_equal(fd, -1);
}

static int memfd_of(const void *p, size_t n, int seals)
{
    int fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), (ssize_t)n);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static void bundle_open_any_missing_seal_is_refused(void **state)
{
    static const int seals[] = {F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW,
                                F_SEAL_WRITE};
    static const uint8_t empty[] = {0x92, 0x01, 0x90};
    struct bundle b;
    int fd;

    (void)state;
    for (size_t i = 0; i < COUNT(seals); i++) {
        fd = memfd_of(empty, sizeof(empty), ALL_SEALS & ~seals[i]);
        assert_int_equal(bundle_open(fd, &b), TS_E_INVALID);
        ts_fd_close(&fd);
    }
    fd = memfd_of(empty, sizeof(empty), ALL_SEALS);
    assert_int_equal(bundle_open(fd, &b), TS_OK);
    assert_int_equal(b.count, 0);
    bundle_done(&b);
    ts_fd_close(&fd);
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(bundle_open(fd, &b), TS_E_INVALID);
    ts_fd_close(&fd);
}

static void bundle_open_truncated_or_flipped(void **state)
{
    uint8_t bytes[256];
    struct bundle b;
    int fd = -1;
    ssize_t n;

    (void)state;
    assert_int_equal(bundle_write(three, COUNT(three), &fd), TS_OK);
    n = pread(fd, bytes, sizeof(bytes), 0);
    assert_true(n > 0);
    ts_fd_close(&fd);
    for (size_t cut = 1; cut < (size_t)n; cut++) {
        fd = memfd_of(bytes, cut, ALL_SEALS);
        assert_int_not_equal(bundle_open(fd, &b), TS_OK);
        ts_fd_close(&fd);
    }
    for (size_t bit = 0; bit < (size_t)n * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        fd = memfd_of(bytes, (size_t)n, ALL_SEALS);
        if (bundle_open(fd, &b) == TS_OK) { /* a letter changed: still sorted */
            for (size_t i = 1; i < b.count; i++)
                assert_true(ts_str_cmp(b.files[i - 1].name, b.files[i].name) <
                            0);
            bundle_done(&b);
        }
        ts_fd_close(&fd);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

/* A configuration directory --------------------------------------------- */

struct tree {
    char path[64];
    int fd;
};

static void put(const struct tree *t, const char *name, const char *text)
{
    char path[512];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", t->path, name);
    for (char *p = path + strlen(t->path) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        (void)mkdir(path, 0700);
        *p = '/';
    }
    f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
    static struct tree t;

    (void)snprintf(t.path, sizeof(t.path), "/tmp/ts-bundle-XXXXXX");
    if (mkdtemp(t.path) == NULL)
        return -1;
    t.fd = open(t.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put(&t, "tools/fs-read.yaml", "tool: fs.read\n");
    put(&t, "tools/a.yaml", "tool: a\n");
    put(&t, "tenants/acme/tenant.yaml", "tenant: acme\n");
    put(&t, "tenants/acme/entities.json", "[]\n");
    put(&t, "tenants/acme/schema.json", "{}\n");
    put(&t, "tenants/acme/policies/links.json", "[]\n");
    put(&t, "tenants/acme/policies/hard/p.cedar", "");
    put(&t, "tenants/acme/policies/approval/p.cedar", "x");
    *state = &t;
    return 0;
}

static int teardown(void **state)
{
    struct tree *t = *state;
    char cmd[128];
    pid_t pid;

    ts_fd_close(&t->fd);
    (void)snprintf(cmd, sizeof(cmd), "%s", t->path);
    pid = fork();
    if (pid == 0) {
        (void)execl("/bin/rm", "rm", "-rf", cmd, (char *)NULL);
        _exit(1);
    }
    return 0;
}

static void bundle_collect_reads_all_sorted(void **state)
{
    static const char *const names[] = {
        "tenants/acme/entities.json",
        "tenants/acme/policies/approval/p.cedar",
        "tenants/acme/policies/hard/p.cedar",
        "tenants/acme/policies/links.json",
        "tenants/acme/schema.json",
        "tenants/acme/tenant.yaml",
        "tools/a.yaml",
        "tools/fs-read.yaml"};
    const struct tree *t = *state;
    char text[512] = "";
    struct bundle b;
    int fd = -1;

    put(t, "tools/.hidden.swp", "x");
    assert_int_equal(bundle_collect(t->fd, &fd, text, sizeof(text)), TS_OK);
    assert_int_equal(bundle_open(fd, &b), TS_OK);
    assert_int_equal(b.count, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_true(ts_str_eq_c(b.files[i].name, names[i]));
    bundle_done(&b);
    ts_fd_close(&fd);
}

static void bundle_collect_links_as_in_a_configmap_are_followed(void **state)
{
    const struct tree *t = *state;
    char text[512] = "";
    struct bundle b;
    int fd = -1;

    put(t, "tools/..2026/b.yaml", "tool: b\n");
    assert_int_equal(symlinkat("..2026",
                               openat(t->fd, "tools", O_RDONLY | O_CLOEXEC),
                               "..data"),
                     0);
    assert_int_equal(symlinkat("..data/b.yaml", t->fd, "tools/b.yaml"), 0);
    assert_int_equal(bundle_collect(t->fd, &fd, text, sizeof(text)), TS_OK);
    assert_int_equal(bundle_open(fd, &b), TS_OK);
    assert_true(
        ts_str_eq_c(bundle_find(&b, "tools/b.yaml")->content, "tool: b\n"));
    bundle_done(&b);
    ts_fd_close(&fd);
}

/* The folder of profiles need not be there; what is in it is read. */
static void bundle_collect_takes_profiles_of_the_sandbox(void **state)
{
    const struct tree *t = *state;
    char text[512] = "";
    struct bundle b;
    int fd = -1;

    put(t, "sandbox/mine.yaml", "name: mine\n");
    assert_int_equal(bundle_collect(t->fd, &fd, text, sizeof(text)), TS_OK);
    assert_int_equal(bundle_open(fd, &b), TS_OK);
    assert_true(ts_str_eq_c(bundle_find(&b, "sandbox/mine.yaml")->content,
                            "name: mine\n"));
    bundle_done(&b);
    ts_fd_close(&fd);
}

static void expect_refusal(const struct tree *t, const char *text)
{
    char got[512] = "";
    int fd = -1;

    assert_int_not_equal(bundle_collect(t->fd, &fd, got, sizeof(got)), TS_OK);
    assert_int_equal(fd, -1);
    assert_string_equal(got, text);
}

static void bundle_collect_refusals_name_the_file(void **state)
{
    const struct tree *t = *state;

    put(t, "tools/readme.txt", "");
    expect_refusal(t,
                   "tools/readme.txt: not a name that is read here; expected "
                   "tools/NAME.yaml; rename it or move it away");
    assert_int_equal(unlinkat(t->fd, "tools/readme.txt", 0), 0);
    put(t, "tenants/acme/policies/soft/x.cedar", "");
    expect_refusal(t, "tenants/acme/policies/soft/x.cedar: not a name that is "
                      "read here; expected policies/hard/NAME.cedar, "
                      "policies/approval/NAME.cedar or policies/links.json; "
                      "rename it or move it away");
    assert_int_equal(unlinkat(t->fd, "tenants/acme/policies/soft/x.cedar", 0),
                     0);
    put(t, "tenants/acme/directory.yaml", "");
    expect_refusal(t, "tenants/acme/directory.yaml: not a name that is read "
                      "here; a directory comes signed: run \"tipstaff "
                      "directory apply\" on this file, and keep it elsewhere; "
                      "rename it or move it away");
    assert_int_equal(unlinkat(t->fd, "tenants/acme/directory.yaml", 0), 0);
    assert_int_equal(symlinkat("/etc/passwd", t->fd, "tools/c.yaml"), 0);
    expect_refusal(t, "tools/c.yaml: a link that leaves the configuration "
                      "directory; copy the file here");
    assert_int_equal(unlinkat(t->fd, "tools/c.yaml", 0), 0);
    assert_int_equal(mkfifoat(t->fd, "tools/f.yaml", 0600), 0);
    expect_refusal(t, "tools/f.yaml: neither a file nor a directory; remove "
                      "it");
    assert_int_equal(unlinkat(t->fd, "tools/f.yaml", 0), 0);
}

static void put_bytes(const struct tree *t, const char *name, size_t len)
{
    static const uint8_t junk[] = {0x93, 0xff, 0xc0, 0x00};
    int fd =
        openat(t->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, junk, sizeof(junk), 0), sizeof(junk));
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    ts_fd_close(&fd);
}

/* Signed files are bytes, not text, each up to its limit; in a tenant's
 * directory and nowhere else. */
static void bundle_collect_takes_signed_files_up_to_their_limits(void **state)
{
    static const struct {
        const char *name;
        size_t most;
    } rows[] = {
        {"tenants/acme/directory.snapshot", BUNDLE_SNAPSHOT_MAX},
        {"tenants/acme/directory.heartbeat", BUNDLE_HEARTBEAT_MAX},
    };
    static const char *const elsewhere[] = {
        "tools/directory.snapshot", "tenants/acme/policies/directory.snapshot",
        "tenants/acme/policies/hard/directory.heartbeat",
        "tenants/acme/Directory.snapshot", "tenants/acme/directory.snapshot~"};
    const struct tree *t = *state;
    char text[512] = "", expected[256];
    int fd = -1;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bundle b = {0};

        put_bytes(t, rows[i].name, rows[i].most);
        assert_int_equal(bundle_collect(t->fd, &fd, text, sizeof(text)), TS_OK);
        assert_int_equal(bundle_open(fd, &b), TS_OK);
        assert_int_equal(bundle_find(&b, rows[i].name)->content.len,
                         rows[i].most);
        assert_int_equal((uint8_t)bundle_find(&b, rows[i].name)->content.ptr[1],
                         0xff);
        bundle_done(&b);
        ts_fd_close(&fd);
        put_bytes(t, rows[i].name, rows[i].most + 1);
        (void)snprintf(expected, sizeof(expected),
                       "%s: larger than %zu bytes, so it is not a signed "
                       "object that tipstaff made",
                       rows[i].name, rows[i].most);
        expect_refusal(t, expected);
        assert_int_equal(unlinkat(t->fd, rows[i].name, 0), 0);
    }
    for (size_t i = 0; i < COUNT(elsewhere); i++) {
        put_bytes(t, elsewhere[i], 4);
        assert_int_not_equal(bundle_collect(t->fd, &fd, text, sizeof(text)),
                             TS_OK);
        assert_non_null(strstr(text, "not a name that is read here"));
        assert_int_equal(unlinkat(t->fd, elsewhere[i], 0), 0);
    }
}

static void bundle_read_file_has_the_rules_of_the_bundle(void **state)
{
    const struct tree *t = *state;
    struct bundle_read got = {0};
    struct ts_arena room;
    char text[512] = "";
    struct stat st;

    ts_arena_init(&room, 1 << 16);
    assert_int_equal(bundle_read_file(t->fd, "tenants/acme/tenant.yaml", &room,
                                      &got, text, sizeof(text)),
                     TS_OK);
    assert_true(ts_str_eq_c(got.content, "tenant: acme\n"));
    assert_int_equal(got.st.st_size, got.content.len);
    assert_int_equal(bundle_look_file(t->fd, "tenants/acme/tenant.yaml", &st),
                     TS_OK);
    assert_int_equal(st.st_ino, got.st.st_ino);
    assert_int_equal(bundle_look_file(t->fd, "tenants/none", &st),
                     TS_E_NOT_FOUND);
    assert_int_equal(bundle_read_file(t->fd, "tenants/none", &room, &got, text,
                                      sizeof(text)),
                     TS_E_NOT_FOUND);
    assert_int_equal(bundle_read_file(t->fd, "tenants/acme", &room, &got, text,
                                      sizeof(text)),
                     TS_E_INVALID);
    assert_string_equal(text, "tenants/acme: is not a file; remove it");
    assert_int_not_equal(bundle_read_file(t->fd, "../etc/passwd", &room, &got,
                                          text, sizeof(text)),
                         TS_OK);
    assert_int_not_equal(
        bundle_read_file(t->fd, "/etc/passwd", &room, &got, text, sizeof(text)),
        TS_OK);
    ts_arena_done(&room);
}

static void bundle_collect_and_open_out_of_memory(void **state)
{
    const struct tree *t = *state;
    char text[512];

    for (int persistent = 0; persistent <= 1; persistent++) {
        for (int nth = 0;; nth++) {
            struct bundle b = {0};
            int fd = -1;
            ts_err e;

            fault_mem_arm(nth, persistent == 1);
            e = bundle_collect(t->fd, &fd, text, sizeof(text));
            if (e == TS_OK)
                e = bundle_open(fd, &b);
            bundle_done(&b);
            ts_fd_close(&fd);
            assert_int_equal(fault_mem_live(), 0);
            fault_mem_disarm();
            if (!fault_mem_fired()) {
                assert_int_equal(e, TS_OK);
                break;
            }
            assert_int_equal(e, TS_E_NOMEM);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundle_write_then_open_gives_the_same),
        cmocka_unit_test(bundle_write_every_size_of_head_comes_back),
        cmocka_unit_test(bundle_write_unsorted_or_bad_names_refused),
        cmocka_unit_test(bundle_open_any_missing_seal_is_refused),
        cmocka_unit_test(bundle_open_truncated_or_flipped),
        cmocka_unit_test(bundle_collect_reads_all_sorted),
        cmocka_unit_test(bundle_collect_takes_profiles_of_the_sandbox),
        cmocka_unit_test(bundle_collect_refusals_name_the_file),
        cmocka_unit_test(bundle_collect_takes_signed_files_up_to_their_limits),
        cmocka_unit_test(bundle_read_file_has_the_rules_of_the_bundle),
        cmocka_unit_test(bundle_collect_and_open_out_of_memory),
        cmocka_unit_test(bundle_collect_links_as_in_a_configmap_are_followed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
