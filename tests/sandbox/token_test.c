/* The identity token on its last way: order, launcher, descriptor 3. */
#include "tests/lib/ts_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "proto/wire/limits.h"

static struct box box;
static const char token[] = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2lnbmVk";

static int open_box(void **state)
{
    (void)state;
    box_open(&box);
    return 0;
}

static int close_box(void **state)
{
    (void)state;
    box_close(&box);
    return 0;
}

static void says(const char *tool, const char *what, const char *t,
                 const char *answer)
{
    const struct call c = {.tool = tool, .what = what, .token = t};
    struct outcome o;

    box_run(&box, &c, &o);
    if (!o.started)
        fail_msg("%s %s: refused at %s: %s", tool, what, o.step, o.text);
    if (!outcome_says(&o, answer))
        fail_msg("%s %s: said \"%.*s\"", tool, what, (int)o.out_len, o.out);
}

static void tool_reads_its_token_once_from_descriptor_3(void **state)
{
    char want[128];

    (void)state;
    (void)snprintf(want, sizeof(want), "%zu %s", sizeof(token) - 1, token);
    says("speaks", "token", token, want);
    says("speaks_pure", "token", token, want);
}

static void longest_token_arrives_whole(void **state)
{
    static char big[TS_TOKEN_MAX + 1];
    const struct call c = {.tool = "speaks", .what = "token", .token = big};
    struct outcome o;

    (void)state;
    memset(big, 'x', TS_TOKEN_MAX);
    big[10] = big[20] = '.';
    box_run(&box, &c, &o);
    assert_true(o.started);
    assert_int_equal(o.exited.reason, END_EXITED);
    assert_memory_equal(o.out, "4096 xxxxxxxxxx.xxxxxxxxx.x", 27);
}

static void tool_has_four_descriptors_and_no_more(void **state)
{
    (void)state;
    says("speaks", "fds", token, "4");
    says("speaks_pure", "fds", token, "4");
    says("plain", "fds", NULL, "3");
}

static void tool_without_the_key_gets_nothing(void **state)
{
    const struct call c = {.tool = "plain", .what = "env"};
    struct outcome o;

    (void)state;
    says("plain", "token", NULL, "none");
    box_run(&box, &c, &o);
    assert_null(strstr(o.out, "TOKEN"));
}

static void order_and_manifest_that_disagree_run_nothing(void **state)
{
    static const struct {
        const char *tool, *token;
    } rows[] = {{"plain", token}, {"speaks", NULL}, {"speaks", "a.b"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct call c = {
            .tool = rows[i].tool, .what = "token", .token = rows[i].token};
        struct outcome o;

        box_run(&box, &c, &o);
        assert_false(o.started);
        assert_int_equal(o.code, CODE_LAUNCH_FAILED);
        assert_string_equal(o.step, "token");
        assert_null(strstr(o.text, "eyJ"));
    }
}

static pid_t probe_pid(void)
{
    char want[256], path[64], exe[256];
    const struct dirent *e;
    DIR *d = opendir("/proc");
    pid_t found = 0;

    assert_non_null(d);
    box_path(&box, "probe", want, sizeof(want));
    while ((e = readdir(d)) != NULL && found == 0) {
        int pid = 0;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%.16s/exe", e->d_name);
        n = readlink(path, exe, sizeof(exe) - 1);
        if (n <= 0)
            continue;
        exe[n] = '\0';
        for (const char *c = e->d_name; *c >= '0' && *c <= '9'; c++)
            pid = pid * 10 + (*c - '0');
        if (strcmp(exe, want) == 0)
            found = pid;
    }
    (void)closedir(d);
    return found;
}

/* Whether the file of the process holds text; its bytes may hold NUL. */
static bool proc_holds(pid_t pid, const char *name, const char *text)
{
    static char buf[65536];
    char path[64];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    n = read(fd, buf, sizeof(buf));
    (void)close(fd);
    assert_true(n > 0);
    return memmem(buf, (size_t)n, text, strlen(text)) != NULL;
}

static void token_is_not_in_command_line_or_environment(void **state)
{
    const struct call c = {
        .tool = "speaks", .what = "daemons_stay", .arg = "3", .token = token};
    struct outcome o;
    uint64_t id;
    struct pollfd ready;
    char line[16];
    pid_t pid;

    (void)state;
    id = box_send(&box, &c);
    box_wait_start(&box, id, &o);
    assert_true(o.started);
    ready = (struct pollfd){.fd = o.out_fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 20000), 1);
    assert_true(read(o.out_fd, line, sizeof(line)) > 0);
    pid = probe_pid();
    assert_true(pid > 0);
    assert_false(proc_holds(pid, "cmdline", "eyJ"));
    assert_false(proc_holds(pid, "environ", "eyJ"));
    assert_true(proc_holds(pid, "environ", "TIPSTAFF_TOKEN_FD=3"));
    assert_true(proc_holds(pid, "environ", "TMPDIR="));
    assert_true(proc_holds(pid, "environ", "TIPSTAFF_DECISION="));
    box_kill(&box, id, END_CANCELLED);
    box_wait_end(&box, id, &o);
}

static void launcher_keeps_no_descriptor_of_a_token(void **state)
{
    int before;

    (void)state;
    says("speaks", "token", token,
         "45 eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0."
         "c2lnbmVk");
    before = box_count_fds(&box);
    for (int i = 0; i < 20; i++) {
        const struct call c = {
            .tool = "speaks", .what = "exit", .arg = "0", .token = token};
        struct outcome o;

        box_run(&box, &c, &o); /* it never reads */
        assert_true(o.started);
    }
    assert_int_equal(box_count_fds(&box), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tool_reads_its_token_once_from_descriptor_3),
        cmocka_unit_test(longest_token_arrives_whole),
        cmocka_unit_test(tool_has_four_descriptors_and_no_more),
        cmocka_unit_test(tool_without_the_key_gets_nothing),
        cmocka_unit_test(order_and_manifest_that_disagree_run_nothing),
        cmocka_unit_test(token_is_not_in_command_line_or_environment),
        cmocka_unit_test(launcher_keeps_no_descriptor_of_a_token),
    };

    return cmocka_run_group_tests(tests, open_box, close_box);
}
