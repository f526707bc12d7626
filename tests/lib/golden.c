#include "tests/lib/golden.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 65536 /* bytes of a text and of what is rendered of it */

bool golden_read(const char *folder, const char *name, char *buf, size_t cap,
                 struct ts_str *ret)
{
    char path[2048];
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "rbe");
    if (f == NULL)
        return false;
    n = fread(buf, 1, cap - 1, f);
    (void)fclose(f);
    buf[n] = '\0';
    *ret = (struct ts_str){.ptr = buf, .len = n};
    return n < cap - 1;
}

void golden_diags(const char *first, const struct cedar_diags *diags,
                  const char *name, struct ts_str text, char *out, size_t cap)
{
    size_t n = (size_t)snprintf(out, cap, "%s\n", first);

    for (uint32_t i = 0; i < diags->count && i < CEDAR_DIAGS_MAX; i++)
        n += cedar_diag_format(&diags->list[i], name, text, false, out + n,
                               cap - n);
}

/* Length of the name without its ending; 0 when it has another. */
static size_t stem(const char *name, const char *const *endings)
{
    const char *dot = strrchr(name, '.');

    for (; dot != NULL && *endings != NULL; endings++)
        if (strcmp(dot, *endings) == 0)
            return (size_t)(dot - name);
    return 0;
}

static bool update(const char *folder, const char *expected, const char *got)
{
    char path[2048];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, expected);
    f = fopen(path, "wbe");
    return f != NULL && fputs(got, f) >= 0 && fclose(f) == 0;
}

static bool agrees(const struct golden *g, const char *folder, const char *name,
                   bool write)
{
    static char text[TEXT_MAX], want[TEXT_MAX], got[TEXT_MAX];
    struct ts_str src, expected;
    char beside[512];

    (void)snprintf(beside, sizeof(beside), "%.*s.expected",
                   (int)stem(name, g->endings), name);
    if (!golden_read(folder, name, text, sizeof(text), &src)) {
        (void)printf("%s cannot be read\n", name);
        return false;
    }
    got[0] = '\0';
    g->render(g->arg, name, src, got, sizeof(got));
    if (write)
        return update(folder, beside, got);
    if (!golden_read(folder, beside, want, sizeof(want), &expected)) {
        (void)printf("%s cannot be read\n", beside);
        return false;
    }
    if (strcmp(want, got) == 0)
        return true;
    (void)printf("%s differs:\n--- expected\n%s--- got\n%s", name, want, got);
    return false;
}

int golden_main(int argc, char **argv, const struct golden *g)
{
    static const char *const expected[] = {".expected", NULL};
    bool write = argc == 3 && strcmp(argv[2], "--update") == 0;
    DIR *d = argc == 2 || write ? opendir(argv[1]) : NULL;
    unsigned seen = 0, results = 0, bad = 0;
    const struct dirent *de;

    if (d == NULL) {
        (void)fprintf(stderr, "usage: %s FOLDER [--update]\n", argv[0]);
        return 2;
    }
    while ((de = readdir(d)) != NULL) {
        if (stem(de->d_name, expected) > 0)
            results++;
        if (stem(de->d_name, g->endings) == 0)
            continue;
        seen++;
        bad += agrees(g, argv[1], de->d_name, write) ? 0 : 1;
    }
    (void)closedir(d);
    (void)printf("%u texts, %u results, %u wrong\n", seen, results, bad);
    return bad == 0 && seen > 0 && (write || seen == results) ? 0 : 1;
}
