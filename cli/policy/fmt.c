/* tipstaff policy fmt: one style for policy text. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/policy/dirs.h"
#include "cli/policy/inputs.h"
#include "cli/policy/line_diff.h"
#include "cli/policy/policy.h"
#include "cli/policy/report.h"
#include "proto/base/ts_buf.h"

#define INDENT_MAX 16
#define WIDTH_MIN  20
#define WIDTH_MAX  1000

struct fmt {
    bool check, write;
    struct cedar_format style;
    bool failed;    /* a file could not be formatted */
    size_t changed; /* files that are not in the style */
    size_t files;
    struct cedar_diags *diags;
};

/* A pipe that was read here has nobody who would read from it. */
static bool replace(const char *path, const char *name, struct ts_str text)
{
    struct stat now;

    if (stat(path, &now) == 0 && !S_ISREG(now.st_mode)) {
        cli_error("%s: not written: not a regular file", name);
        return false;
    }
    return pol_save(path, text);
}

static void output(struct fmt *f, struct ts_arena *arena, const char *path,
                   const struct cedar_source *s, struct ts_str text)
{
    const struct term t = term_stdout();
    bool same = ts_str_eq(s->text, text);

    f->changed += same ? 0 : 1;
    if (f->check) {
        if (!same)
            line_diff_print(stdout, &t, arena, s->name, s->text, text);
    } else if (!f->write || strcmp(path, "-") == 0) {
        (void)fwrite(text.ptr, 1, text.len, stdout);
    } else if (!same) {
        if (replace(path, s->name, text))
            (void)printf("%s\n", s->name);
        else
            f->failed = true;
    }
}

/* The text of one file in the style; *ret_out is the caller's to free. */
static bool format_text(struct fmt *f, const struct cedar_source *s,
                        struct ts_buf *out)
{
    struct pol_files files = {.list = s, .count = 1};
    ts_err e;

    if (pol_is_json(s->text)) {
        cli_error("%s: JSON has no style; tipstaff policy translate --to text "
                  "makes policy text of it",
                  s->name);
        return false;
    }
    cedar_diags_clear(f->diags);
    e = cedar_format(s, &f->style, out, f->diags);
    if (e == TS_OK)
        return true;
    pol_complain_err(s->name, e, f->diags, &files);
    return false;
}

static void format_one(struct fmt *f, const char *path)
{
    struct cedar_source s;
    struct ts_arena arena;
    struct ts_buf out;
    bool ok;

    ts_arena_init(&arena, POL_ARENA);
    ts_buf_init(&out, 4 * POL_FILE_MAX);
    f->files++;
    ok = pol_read(&arena, path, POL_FILE_MAX, &s) && format_text(f, &s, &out);
    if (ok)
        output(f, &arena, path, &s,
               (struct ts_str){.ptr = (const char *)ts_buf_bytes(&out),
                               .len = out.len});
    else
        f->failed = true;
    ts_buf_done(&out);
    ts_arena_done(&arena);
}

static bool is_json_name(const char *path)
{
    size_t n = strlen(path);

    return n > 5 && strcmp(path + n - 5, ".json") == 0;
}

static int fmt(struct fmt *f, const char *const *paths, size_t count)
{
    struct pol_paths found = {0};
    struct pol_inputs in;

    if (!pol_inputs_init(&in))
        return CLI_FAILED;
    f->diags = in.diags;
    if (!pol_paths_find(&in.arena, paths, count, &found)) {
        pol_inputs_done(&in);
        return CLI_FAILED;
    }
    if (found.count > 1 && !f->check && !f->write) {
        cli_error("several files: say --write or --check");
        pol_inputs_done(&in);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < found.count; i++) {
        bool from_folder = found.count != count;

        if (!from_folder || !is_json_name(found.list[i]))
            format_one(f, found.list[i]);
    }
    if (f->check)
        (void)printf("%s, %zu to be formatted\n", pol_count(f->files, "file").s,
                     f->changed);
    pol_inputs_done(&in);
    return f->failed || (f->check && f->changed > 0) ? CLI_FAILED : CLI_OK;
}

static bool style(struct fmt *f, uint64_t width, uint64_t indent)
{
    if (width < WIDTH_MIN || width > WIDTH_MAX || indent > INDENT_MAX) {
        cli_error("--width is %d to %d, --indent 0 to %d", WIDTH_MIN, WIDTH_MAX,
                  INDENT_MAX);
        return false;
    }
    if (f->check && f->write) {
        cli_error("--check writes nothing: leave out --write");
        return false;
    }
    f->style.width = (uint32_t)width;
    f->style.indent = (uint32_t)indent;
    return true;
}

int cmd_policy_fmt(int argc, char **argv)
{
    struct fmt f = {.style = cedar_format_default};
    uint64_t width = cedar_format_default.width;
    uint64_t indent = cedar_format_default.indent;
    const struct cli_option options[] = {
        {"--check", NULL, "print what would change and exit 1; write nothing",
         CLI_FLAG, &f.check, false},
        {"-c", NULL, NULL, CLI_FLAG, &f.check, false},
        {"--write", NULL, "put the result into the files", CLI_FLAG, &f.write,
         false},
        {"-w", NULL, NULL, CLI_FLAG, &f.write, false},
        {"--width", "N", "columns a line should not exceed (80)", CLI_NUMBER,
         &width, false},
        {"--indent", "N", "columns of one step (2)", CLI_NUMBER, &indent,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff policy fmt",
        .operands = "FILE|DIR...|-",
        .about = "Puts policy text into one style and keeps its comments. One "
                 "file goes to standard\noutput. A file with an error is left "
                 "as it is.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = SIZE_MAX,
        .examples = "  tipstaff policy fmt a.cedar\n"
                    "  tipstaff policy fmt --check policies/\n"
                    "  tipstaff policy fmt --write policies/*.cedar\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    if (!style(&f, width, indent))
        return CLI_USAGE;
    return fmt(&f, (const char *const *)operands, count);
}
