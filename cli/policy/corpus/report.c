/* What a corpus run prints: failures, progress, the table. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli/policy/corpus/corpus.h"

#define LINE_MAX_ 900 /* bytes of one failure */

static const struct {
    const char *title, *key;
} checks[CORPUS_CHECK_COUNT] = {
#define X(id, title, key) [CORPUS_##id] = {title, key},
    CORPUS_CHECK_MAP(X)
#undef X
};

/* Where the progress stands, cleared before anything else is printed. */
static bool has_progress(const struct corpus *c)
{
    return !c->quiet && !c->json && isatty(STDERR_FILENO) == 1;
}

void corpus_progress(const struct corpus *c, size_t done, size_t all)
{
    if (!has_progress(c) || (done % 16 != 0 && done != all))
        return;
    if (done == all)
        (void)fputs("\r\033[K", stderr);
    else
        (void)fprintf(stderr, "\r%zu of %zu", done, all);
    (void)fflush(stderr);
}

void corpus_fail(struct corpus *c, const char *fmt, ...)
{
    char line[LINE_MAX_], name[512];
    va_list ap;

    c->bad = true;
    if (c->shown++ >= c->max_failures)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (c->json) {
        json_out_object(&c->out, NULL);
        json_out_text(&c->out, "file", c->file);
        json_out_text(&c->out, "text", line);
        json_out_end(&c->out);
        return;
    }
    if (has_progress(c))
        (void)fputs("\r\033[K", stderr);
    (void)ts_str_show(name, sizeof(name), c->file, strlen(c->file));
    (void)printf("%sFAIL%s %s: %s\n", c->term.red, c->term.reset, name, line);
}

void corpus_fail_diags(struct corpus *c, const char *what, ts_err e,
                       const struct cedar_diags *diags)
{
    const struct cedar_diag *d = NULL;

    for (uint32_t i = 0; i < diags->count && i < CEDAR_DIAGS_MAX && d == NULL;
         i++)
        if (diags->list[i].severity == CEDAR_ERROR)
            d = &diags->list[i];
    if (d == NULL)
        corpus_fail(c, "%s: %s", what, ts_err_text(e));
    else if (d->span.line == 0)
        corpus_fail(c, "%s: %s", what, d->text);
    else
        corpus_fail(c, "%s: %u:%u: %s", what, d->span.line, d->span.column,
                    d->text);
}

bool corpus_count(struct corpus *c, enum corpus_form form,
                  enum corpus_check check, bool right)
{
    struct corpus_count *n = &c->counts[form][check];

    if (right)
        n->right++;
    else
        n->wrong++;
    return right;
}

void corpus_begin(struct corpus *c, const char *path)
{
    if (!c->json)
        return;
    json_out_init(&c->out, stdout);
    json_out_object(&c->out, NULL);
    json_out_text(&c->out, "path", path);
    json_out_array(&c->out, "failures");
}

static bool is_used(const struct corpus_count *n)
{
    return n->right + n->wrong > 0;
}

static bool has_twins(const struct corpus *c)
{
    for (int i = 0; i < CORPUS_CHECK_COUNT; i++)
        if (is_used(&c->counts[CORPUS_JSON][i]))
            return true;
    return false;
}

static void print_count(const struct corpus *c, const struct corpus_count *n)
{
    if (!is_used(n))
        (void)printf("  %9s %7s", "-", "-");
    else
        (void)printf("  %9lu %s%7lu%s", n->right + n->wrong,
                     n->wrong > 0 ? c->term.red : "", n->wrong,
                     n->wrong > 0 ? c->term.reset : "");
}

static void print_table(const struct corpus *c)
{
    bool twins = has_twins(c);

    (void)printf("%s%-24s  %9s %7s%s%s\n", c->term.bold, "", "checked", "wrong",
                 twins ? "  JSON schema   wrong" : "", c->term.reset);
    for (int i = 0; i < CORPUS_CHECK_COUNT; i++) {
        if (!is_used(&c->counts[CORPUS_TEXT][i]) &&
            !is_used(&c->counts[CORPUS_JSON][i]))
            continue;
        (void)printf("%-24s", checks[i].title);
        print_count(c, &c->counts[CORPUS_TEXT][i]);
        if (twins)
            print_count(c, &c->counts[CORPUS_JSON][i]);
        (void)putchar('\n');
    }
}

static void json_counts(struct corpus *c, const char *key,
                        const struct corpus_count *counts)
{
    json_out_object(&c->out, key);
    for (int i = 0; i < CORPUS_CHECK_COUNT; i++) {
        if (!is_used(&counts[i]))
            continue;
        json_out_object(&c->out, checks[i].key);
        json_out_int(&c->out, "checked",
                     (int64_t)(counts[i].right + counts[i].wrong));
        json_out_int(&c->out, "wrong", (int64_t)counts[i].wrong);
        json_out_end(&c->out);
    }
    json_out_end(&c->out);
}

static void end_json(struct corpus *c)
{
    json_out_end(&c->out); /* failures */
    json_out_int(&c->out, "failure_count", (int64_t)c->shown);
    json_counts(c, "checks", c->counts[CORPUS_TEXT]);
    json_counts(c, "checks_json_schema", c->counts[CORPUS_JSON]);
    json_out_int(&c->out, "passed", (int64_t)c->passed);
    json_out_int(&c->out, "failed", (int64_t)c->failed);
    json_out_end(&c->out);
}

void corpus_end(struct corpus *c)
{
    if (c->json) {
        end_json(c);
        return;
    }
    if (c->shown > c->max_failures)
        (void)printf("... and %lu more failures\n", c->shown - c->max_failures);
    if (!c->quiet && c->passed + c->failed > 0)
        print_table(c);
    (void)printf("%lu passed, %lu failed\n", c->passed, c->failed);
}
