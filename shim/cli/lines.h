#ifndef SHIM_CLI_LINES_H
#define SHIM_CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

#define LINES_MAX ((size_t)1048576) /* bytes of one line */

/* Lines of standard input. Reads only when told to. */
struct lines {
    struct ts_buf buf;
    size_t used;    /* bytes at the front that the last line borrows */
    size_t scanned; /* bytes known to hold no newline */
    bool ended;     /* read() gave 0 */
};

void lines_init(struct lines *l);
void lines_done(struct lines *l);
/* One read(). TS_E_LIMIT for a line over LINES_MAX. */
TS_NODISCARD ts_err lines_read(struct lines *l);
/* The next whole line without its newline; it borrows until the next call.
 * A last line without one counts. False: none yet, or (ended) none left. */
TS_NODISCARD bool lines_next(struct lines *l, struct ts_str *ret);

#endif
