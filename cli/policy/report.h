#ifndef CLI_POLICY_REPORT_H
#define CLI_POLICY_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/policy/files.h"
#include "cli/term.h"
#include "policy/cedar.h"

/* What every subcommand prints in the same way. */

/* All diagnostics of diags, with the lines of the files they are about, and how
 * many more there were. */
void pol_print_diags(FILE *to, const struct term *t,
                     const struct cedar_diags *diags,
                     const struct pol_files *files);
/* One of them, and an empty line. */
void pol_print_diag(FILE *to, const struct term *t, const struct cedar_diag *d,
                    const struct pol_files *files);
/* To stderr, coloured when that is a terminal. */
void pol_complain(const struct cedar_diags *diags,
                  const struct pol_files *files);
/* When e is no diagnostic (memory, a limit without words): one sentence. */
void pol_complain_err(const char *what, ts_err e,
                      const struct cedar_diags *diags,
                      const struct pol_files *files);

/* "3 files": the plural is name + "s", but "policy" gives "policies". */
struct pol_count {
    char s[64];
};
struct pol_count pol_count(size_t n, const char *name);

void pol_put_uid(FILE *f, const struct cedar_uid *uid);

/* Marks in UTF-8 or ASCII, as the locale allows. */
struct pol_marks {
    const char *yes, *no, *failed, *skipped; /* one column each */
    const char *branch, *last, *bar, *blank; /* of a tree, four columns */
    const char *decisive;                    /* after the clause that decides */
    const char *dot;                         /* between parts of a request */
};
struct pol_marks pol_marks(void);

#endif
