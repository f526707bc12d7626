/* Every allocation of reading a directory of records fails once. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/replay/traces.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_mem_stop.h"
#include "tests/lib/fault_mem.h"
#include "tests/lib/ts_test.h"

static const char *const files[][2] = {
    {"x_tools.jsonl", "{\"suite\":\"s\",\"tool\":\"say\",\"effect\":\"X\","
                      "\"parameters\":{\"to\":"
                      "{\"type\":\"string\"}},\"authority_args\":[\"to\"],"
                      "\"content_args\":[]}\n"},
    {"x_user_tasks.jsonl",
     "{\"suite\":\"s\",\"task_id\":\"t\",\"user_task\":\"Say it.\",\"calls\":[{"
     "\"tool\":\"say\",\"args\":{\"to\":\"a\"},\"output\":[1,{\"b\":null}]}]}"
     "\n"},
    {"x_attack_pairs.jsonl",
     "{\"suite\":\"s\",\"task_id\":\"t+i\",\"user_task_id\":\"t\","
     "\"injection_task_id\":\"i\",\"calls\":[]}\n"},
    {"x_delegations.jsonl", "{\"suite\":\"s\",\"task_id\":\"t\",\"labels\":"
                            "\"F\",\"capabilities\":[]}\n"},
    {"x_reference_decisions.jsonl",
     "{\"suite\":\"s\",\"task_id\":\"t\",\"labels\":\"F\",\"policy\":\"P\","
     "\"decisions\":\"A\"}\n"},
    {"x_labels.json", "{\"user_identities\":[\"me\"]}"},
};
#define FILES (sizeof(files) / sizeof(files[0]))

struct folder {
    char dir[32];
};

static void path_of(const struct folder *f, size_t at, char out[128])
{
    (void)snprintf(out, 128, "%s/%s", f->dir, files[at][0]);
}

static int make(void **state)
{
    static struct folder f;
    char path[128];

    (void)snprintf(f.dir, sizeof(f.dir), "/tmp/tipstaff-oom.XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    for (size_t i = 0; i < FILES; i++) {
        int fd;

        path_of(&f, i, path);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(ts_fd_write_all(fd, files[i][1], strlen(files[i][1])),
                         TS_OK);
        ts_fd_close(&fd);
    }
    *state = &f;
    return 0;
}

static int unmake(void **state)
{
    const struct folder *f = *state;
    char path[128];

    for (size_t i = 0; i < FILES; i++) {
        path_of(f, i, path);
        (void)unlink(path);
    }
    return rmdir(f->dir);
}

static ts_err load(const void *arg)
{
    const struct folder *f = arg;
    struct traces t;
    bool ok = traces_load(f->dir, &t);

    if (!ok)
        return TS_E_NOMEM;
    ok = t.count == 2 && traces_task(&t, "s", "t") == &t.records[0] &&
         traces_pair(&t, "s", "t", "i") == &t.records[1] &&
         traces_delegation(&t, "s", "t", TRACES_F) != NULL &&
         traces_delegation(&t, "s", "t", TRACES_C) == NULL &&
         traces_reference(&t, "P", TRACES_F, &t.records[0]) != NULL;
    traces_done(&t);
    return ok ? TS_OK : TS_E_INVALID;
}

static void no_allocation_that_fails_is_a_crash_or_a_leak(void **state)
{
    /* Ours; the JSON library's are below. Each refusal is printed. */
    assert_non_null(freopen("/dev/null", "w", stderr));
    fault_mem_sweep(load, *state, TS_OK, 4);
}

/* How a process ends in which allocation nth fails, of the JSON library's and
 * ours: what main() of the program sets up. */
static int end_of(const struct folder *f, int nth)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        ts_err e;

        (void)!freopen("/dev/null", "w", stderr);
        json_set_alloc_funcs(ts_mem_alloc_or_stop, ts_mem_free);
        fault_mem_arm(nth, false);
        e = load(f);
        _exit(fault_mem_fired() ? 10 + (e == TS_E_NOMEM) : 20 + (e == TS_OK));
    }
    assert_true(pid > 0);
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return status;
}

/* The parser does not live through it (ts_mem_stop.h): it is never asked to. */
static void
no_allocation_of_the_parser_that_fails_is_lived_through(void **state)
{
    int stopped = 0, refused = 0, nth = 0, status;

    for (;; nth++) {
        status = end_of(*state, nth);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
            stopped++;
        else if (WIFEXITED(status) && WEXITSTATUS(status) == 11)
            refused++;
        else
            break;
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 21);
    assert_true(stopped > 50 && refused >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            no_allocation_that_fails_is_a_crash_or_a_leak, make, unmake),
        cmocka_unit_test_setup_teardown(
            no_allocation_of_the_parser_that_fails_is_lived_through, make,
            unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
