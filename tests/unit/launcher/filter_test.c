/*
 * The filter is made with a random secret in it: whatever is drawn, making it
 * must end, and soon. Measured in processor time, so that a busy machine
 * changes nothing.
 */
#include "tests/lib/ts_test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/launcher/layers/filter.h"
#include "sidecar/sandbox/profile.h"

#define KEYS        60
#define CPU_SECONDS 1 /* each; measured: some milliseconds */

static int make_all(uint32_t index, const struct filter_key *key)
{
    struct filter_program strict;
    struct sandbox_profile *p;
    struct ts_arena a;
    char text[512] = "";

    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    if (filter_profile_load(NULL, index, &a, &p, text, sizeof(text)) != TS_OK ||
        filter_make_strict(p, key, &strict) != TS_OK)
        return 1;
    filter_program_done(&strict);
    if (filter_install(p, key) != TS_OK)
        return 2;
    ts_arena_done(&a);
    return 0;
}

static void filter_of_any_key_is_made_in_little_time(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++) {
        int status = 0;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            const struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS};
            struct filter_key key;

            (void)setrlimit(RLIMIT_CPU, &cpu);
            if (filter_key_make(&key) != TS_OK)
                _exit(3);
            if (i < 4) /* the ends of the range */
                key.word[i & 1] = i < 2 ? 1 : UINT64_MAX;
            _exit(make_all((uint32_t)i % SANDBOX_BUILTIN_COUNT, &key));
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filter_of_any_key_is_made_in_little_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
