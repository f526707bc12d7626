/* What every subcommand of tipstaff policy prints in the same way. */
#include "cli/policy/report.h"

#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"

#define DIAG_TEXT 4096 /* bytes of one diagnostic with its line */

void pol_print_diag(FILE *to, const struct term *t, const struct cedar_diag *d,
                    const struct pol_files *files)
{
    char text[DIAG_TEXT];
    bool known = files != NULL && d->span.source < files->count;
    const struct cedar_source *s = known ? &files->list[d->span.source] : NULL;

    (void)cedar_diag_format(d, known ? s->name : "input",
                            known ? s->text : (struct ts_str){0},
                            *t->reset != '\0', text, sizeof(text));
    (void)fputs(text, to);
    if (text[0] != '\0' && text[strlen(text) - 1] != '\n')
        (void)fputc('\n', to);
    (void)fputc('\n', to);
}

void pol_print_diags(FILE *to, const struct term *t,
                     const struct cedar_diags *diags,
                     const struct pol_files *files)
{
    uint32_t shown =
        diags->count < CEDAR_DIAGS_MAX ? diags->count : CEDAR_DIAGS_MAX;

    for (uint32_t i = 0; i < shown; i++)
        pol_print_diag(to, t, &diags->list[i], files);
    if (diags->count > shown)
        (void)fprintf(to, "... and %u more\n\n", diags->count - shown);
}

void pol_complain(const struct cedar_diags *diags,
                  const struct pol_files *files)
{
    const struct term t = term_of(STDERR_FILENO);

    pol_print_diags(stderr, &t, diags, files);
}

void pol_complain_err(const char *what, ts_err e,
                      const struct cedar_diags *diags,
                      const struct pol_files *files)
{
    if (diags != NULL && diags->count > 0)
        pol_complain(diags, files);
    else
        cli_error("%s: %s", what, ts_err_text(e));
}

struct pol_count pol_count(size_t n, const char *name)
{
    struct pol_count c;
    size_t len = strlen(name);

    if (n != 1 && len > 0 && name[len - 1] == 'y')
        (void)snprintf(c.s, sizeof(c.s), "%zu %.*sies", n, (int)len - 1, name);
    else
        (void)snprintf(c.s, sizeof(c.s), "%zu %s%s", n, name,
                       n == 1 ? "" : "s");
    return c;
}

void pol_put_uid(FILE *f, const struct cedar_uid *uid)
{
    struct cedar_value v = cedar_entity(uid);
    char text[512];

    (void)cedar_value_print(&v, text, sizeof(text));
    (void)fputs(text, f);
}

struct pol_marks pol_marks(void)
{
    static const struct pol_marks utf8 = {
        .yes = "\u2713",
        .no = "\u2717",
        .failed = "\u26A0",
        .skipped = "\u00B7",
        .branch = "\u251C\u2500 ",
        .last = "\u2514\u2500 ",
        .bar = "\u2502  ",
        .blank = "   ",
        .decisive = "\u25C0 decides",
        .dot = "\u00B7",
    };
    static const struct pol_marks ascii = {
        .yes = "+",
        .no = "x",
        .failed = "!",
        .skipped = ".",
        .branch = "|- ",
        .last = "`- ",
        .bar = "|  ",
        .blank = "   ",
        .decisive = "<-- decides",
        .dot = "/",
    };

    return term_utf8() ? utf8 : ascii;
}
