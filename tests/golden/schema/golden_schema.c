/*
 * Compares the rendering of every diagnostic of each NAME.cedarschema and
 * NAME.json in a folder with NAME.expected. With --update it writes the
 * expected files instead, to be read before they are committed.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "policy/cedar_schema.h"
#include "proto/base/ts_str.h"

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

static void render(const char *name, bool json, struct ts_str text, char *out,
                   size_t cap)
{
    static struct cedar_diags diags;
    struct cedar_source src = {.name = name, .text = text};
    struct cedar_schema *s = NULL;
    size_t n = 0;
    ts_err e;

    memset(&diags, 0, sizeof(diags));
    e = json ? cedar_schema_parse_json(&src, 1, &s, &diags)
             : cedar_schema_parse(&src, 1, &s, &diags);
    cedar_schema_free(s);
    n += (size_t)snprintf(out, cap, "%s\n",
                          e == TS_OK ? "accepted" : ts_err_text(e));
    for (uint32_t i = 0; i < diags.count && i < CEDAR_DIAGS_MAX; i++)
        n += cedar_diag_format(&diags.list[i], name, text, false, out + n,
                               cap - n);
}

/* Length of the name without its ending; 0 when it is no schema. */
static size_t stem(const char *name, bool *ret_json)
{
    const char *dot = strrchr(name, '.');

    if (dot == NULL)
        return 0;
    *ret_json = strcmp(dot, ".json") == 0;
    return *ret_json || strcmp(dot, ".cedarschema") == 0 ? (size_t)(dot - name)
                                                         : 0;
}

static int check(const char *folder, const char *name, bool update)
{
    static char text[1 << 16], want[1 << 16], got[1 << 16];
    char path[2048];
    bool json = false;
    size_t n = stem(name, &json);
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    render(name, json,
           (struct ts_str){.ptr = text,
                           .len = read_file(path, text, sizeof(text))},
           got, sizeof(got));
    (void)snprintf(path, sizeof(path), "%s/%.*s.expected", folder, (int)n,
                   name);
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

int main(int argc, char **argv)
{
    DIR *d = argc > 1 ? opendir(argv[1]) : NULL;
    const struct dirent *de;
    unsigned seen = 0;
    int bad = 0;

    if (d == NULL)
        return 2;
    while ((de = readdir(d)) != NULL) {
        bool json;

        if (stem(de->d_name, &json) == 0)
            continue;
        seen++;
        bad += check(argv[1], de->d_name, argc > 2);
    }
    (void)closedir(d);
    (void)printf("%u schemas, %d differ\n", seen, bad);
    return bad == 0 && seen > 0 ? 0 : 1;
}
