/* A whole file of lines, plain and as xz: any bytes are read or refused, lines
 * are counted from 1, and every object comes once. And texts of recorded runs:
 * any is a structure or itself. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/replay/lines.h"
#include "cli/replay/output.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool note(void *ctx, json_t *o, const char *path, size_t line)
{
    size_t *last = ctx;

    TS_REQUIRE(json_is_object(o) && path != NULL && line > *last);
    *last = line;
    return true;
}

static void lines(const uint8_t *data, size_t len, bool is_xz)
{
    int fd = memfd_create("lines", MFD_CLOEXEC);
    size_t last = 0;

    TS_REQUIRE(fd >= 0 && ts_fd_write_all(fd, data, len) == TS_OK &&
               lseek(fd, 0, SEEK_SET) == 0);
    (void)lines_of(fd, is_xz, "fuzz", note, &last); /* closes it */
}

static void structure(const uint8_t *data, size_t len)
{
    json_t *text = json_stringn((const char *)data, len), *o;

    if (text == NULL)
        return; /* not UTF-8 */
    o = output_structure(text);
    TS_REQUIRE(o == text || json_is_object(o) || json_is_array(o));
    json_decref(o);
    json_decref(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static bool is_quiet;

    if (!is_quiet) /* every refusal is printed */
        is_quiet = freopen("/dev/null", "w", stderr) != NULL;
    lines(data, len, false);
    lines(data, len, true);
    structure(data, len);
    return 0;
}
