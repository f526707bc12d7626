/* What is handed to the gate at its start may be as large as the recorder lets
 * the journal become: a gate that refused it could never start again. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "sidecar/gate/revocation/journal_in.h"

/* Zeros are no journal, so only the size can be refused as a size. */
static const char *refusal(off_t size)
{
    static struct gate g;
    const char *what = "nothing";
    int fd = memfd_create("journal", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(journal_in(&g, fd, &what), TS_E_FORMAT);
    (void)close(fd);
    return what;
}

static void journal_as_large_as_the_recorders_limit_is_read(void **state)
{
    const off_t most = (off_t)1 << 30; /* JOURNAL_BYTES_MAX of the recorder */

    (void)state;
    assert_string_not_equal(refusal(1), "size");
    assert_string_not_equal(refusal(most / 2 + 1), "size");
    assert_string_not_equal(refusal(most), "size");
    assert_string_equal(refusal(most + 1), "size");
    assert_string_equal(refusal(0), "size");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(journal_as_large_as_the_recorders_limit_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
