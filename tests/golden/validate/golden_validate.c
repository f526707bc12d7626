/*
 * Validates every NAME.cedar in a folder against its schema.cedarschema and
 * compares the rendered diagnostics with NAME.expected. With --update it writes
 * the expected files instead, to be read before they are committed.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "policy/cedar_schema.h"

static size_t read_file(const char *path, char *buf, size_t cap)
{
    FILE *f = fopen(path, "rbe");
    size_t n;

    if (f == NULL)
        return 0;
    n = fread(buf, 1, cap - 1, f);
    (void)fclose(f);
    buf[n] = '\0';
    return n;
}

static void render(const struct cedar_schema *s, const char *name,
                   struct ts_str text, char *out, size_t cap)
{
    static struct cedar_diags diags;
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = name, .text = text};
    struct cedar_ast *a = NULL;
    size_t n;
    ts_err e;

    memset(&diags, 0, sizeof(diags));
    o.require_id = false;
    e = cedar_ast_parse(&src, 1, &o, &a, &diags);
    if (e == TS_OK) {
        e = cedar_validate(a, s, NULL, &diags);
        cedar_ast_free(a);
    }
    n = (size_t)snprintf(out, cap, "%s\n",
                         e == TS_OK         ? "valid"
                         : e == TS_E_FORMAT ? "not valid"
                                            : ts_err_text(e));
    for (uint32_t i = 0; i < diags.count && i < CEDAR_DIAGS_MAX; i++)
        n += cedar_diag_format(&diags.list[i], name, text, false, out + n,
                               cap - n);
}

static int check(const struct cedar_schema *s, const char *folder,
                 const char *name, bool update)
{
    static char text[1 << 16], want[1 << 16], got[1 << 16];
    char path[2048];
    struct ts_str src = {.ptr = text};
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    src.len = read_file(path, text, sizeof(text));
    render(s, name, src, got, sizeof(got));
    (void)snprintf(path, sizeof(path), "%s/%.*s.expected", folder,
                   (int)(strlen(name) - strlen(".cedar")), name);
    if (update) {
        f = fopen(path, "wbe");
        return f == NULL || fputs(got, f) < 0 || fclose(f) != 0;
    }
    (void)read_file(path, want, sizeof(want));
    if (strcmp(want, got) == 0)
        return 0;
    (void)printf("%s differs:\n--- expected\n%s--- got\n%s", name, want, got);
    return 1;
}

static struct cedar_schema *load_schema(const char *folder)
{
    static char text[1 << 16];
    struct cedar_source src = {.name = "schema", .text.ptr = text};
    struct cedar_schema *s = NULL;
    char path[2048];

    (void)snprintf(path, sizeof(path), "%s/schema.cedarschema", folder);
    src.text.len = read_file(path, text, sizeof(text));
    return cedar_schema_parse(&src, 1, &s, NULL) == TS_OK ? s : NULL;
}

int main(int argc, char **argv)
{
    DIR *d = argc > 1 ? opendir(argv[1]) : NULL;
    struct cedar_schema *s = d != NULL ? load_schema(argv[1]) : NULL;
    const struct dirent *de;
    unsigned seen = 0;
    int bad = 0;

    if (s == NULL)
        return 2;
    while ((de = readdir(d)) != NULL) {
        size_t n = strlen(de->d_name);

        if (n < 6 || strcmp(de->d_name + n - 6, ".cedar") != 0)
            continue;
        bad |= check(s, argv[1], de->d_name, argc > 2);
        seen++;
    }
    (void)closedir(d);
    cedar_schema_free(s);
    (void)printf("%u cases\n", seen);
    return seen == 0 ? 2 : bad;
}
