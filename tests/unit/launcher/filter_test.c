/*
 * The filter is made with a random secret in it: whatever is drawn, making it
 * must end, and soon. libseccomp has an optimiser whose work depends on the
 * numbers; measured in processor time, so that a busy machine changes nothing.
 */
#include "tests/lib/ts_test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/launcher/layers/filter.h"

#define KEYS        60
#define CPU_SECONDS 1 /* each; measured: some milliseconds */

static int make_all(const struct filter_key *key)
{
    struct filter_program pure;

    if (filter_make_pure(key, &pure) != TS_OK)
        return 1;
    filter_program_done(&pure);
    return filter_install_base(key) == TS_OK ? 0 : 2;
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
            _exit(make_all(&key));
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
