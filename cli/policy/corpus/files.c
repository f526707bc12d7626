/* Where the files of a corpus are: cases below a folder, and the files that a
 * case names relative to a root somewhere above it. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cmd.h"
#include "cli/policy/corpus/corpus.h"

#define DEPTH_MAX 16 /* folders below DIR, and above a case */

static bool ends_in(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);

    return n >= m && strcmp(s + n - m, tail) == 0;
}

static bool push(struct ts_arena *arena, struct corpus_paths *p,
                 const char *path)
{
    size_t cap = p->cap > 0 ? p->cap * 2 : 64;
    void *mem;

    if (p->count == CORPUS_CASES_MAX) {
        cli_error("more than %u files", CORPUS_CASES_MAX);
        return false;
    }
    if (p->count == p->cap) {
        if (ts_arena_array(arena, cap, sizeof(*p->list), &mem) != TS_OK)
            goto full;
        if (p->count > 0)
            memcpy(mem, p->list, p->count * sizeof(*p->list));
        p->list = mem;
        p->cap = cap;
    }
    if (ts_arena_strndup(arena, path, strlen(path), &p->list[p->count]) !=
        TS_OK)
        goto full;
    p->count++;
    return true;
full:
    cli_error("out of memory");
    return false;
}

/* What can only be the data of a case; everything else is looked into. */
static bool is_data(const char *name)
{
    return ends_in(name, ".entities.json") ||
           ends_in(name, ".cedarschema.json") ||
           ends_in(name, ".validation.json");
}

static bool is_data_folder(const char *name)
{
    return ends_in(name, "-validation") || ends_in(name, "-json-schemas") ||
           strcmp(name, "sample-data") == 0;
}

static bool cannot_open(const char *path)
{
    char shown[512];

    (void)ts_str_show(shown, sizeof(shown), path, strlen(path));
    cli_error("%s: %s", shown, strerror(errno));
    return false;
}

static bool walk(struct ts_arena *arena, const char *path, unsigned depth,
                 struct corpus_paths *ret)
{
    DIR *d = opendir(path);
    const struct dirent *de;
    bool ok = true;

    if (d == NULL)
        return cannot_open(path);
    while (ok && (de = readdir(d)) != NULL) {
        char sub[CORPUS_PATH];
        struct stat st;
        int n = snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name);

        if (de->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof(sub) ||
            stat(sub, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX &&
            !is_data_folder(de->d_name))
            ok = walk(arena, sub, depth + 1, ret);
        else if (S_ISREG(st.st_mode) && ends_in(sub, ".json") && !is_data(sub))
            ok = push(arena, ret, sub);
    }
    (void)closedir(d);
    return ok;
}

static int path_order(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

bool corpus_find(struct ts_arena *arena, const char *path,
                 struct corpus_paths *ret)
{
    struct corpus_paths found = {0};
    char full[PATH_MAX];
    struct stat st;

    /* a whole path, so that the folders above it can be tried as the root */
    if (realpath(path, full) == NULL || stat(full, &st) != 0)
        return cannot_open(path);
    if (S_ISDIR(st.st_mode) ? !walk(arena, full, 0, &found)
                            : !push(arena, &found, full))
        return false;
    if (found.count > 1)
        qsort(found.list, found.count, sizeof(*found.list), path_order);
    *ret = found;
    return true;
}

ts_err corpus_read(struct ts_arena *arena, const char *path, struct ts_str *ret)
{
    FILE *f = fopen(path, "rbe");
    struct stat st;
    void *mem = NULL;
    size_t n;
    ts_err e;

    if (f == NULL)
        return ts_err_from_errno(errno);
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode))
        e = TS_E_INVALID;
    else if ((size_t)st.st_size > CORPUS_FILE_MAX)
        e = TS_E_LIMIT;
    else
        e = ts_arena_alloc(arena, (size_t)st.st_size + 1, &mem);
    if (e == TS_OK) {
        n = fread(mem, 1, (size_t)st.st_size, f);
        if (n == (size_t)st.st_size)
            *ret = (struct ts_str){.ptr = mem, .len = n};
        else
            e = TS_E_SYSTEM;
    }
    (void)fclose(f);
    return e;
}

/* Cuts the last part off; false when nothing is left of it. */
static bool cut(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash == NULL || slash == path)
        return false;
    *slash = '\0';
    return true;
}

static ts_err try_root(struct ts_arena *arena, const char *root,
                       const char *between, struct ts_str named,
                       struct ts_str *ret)
{
    char path[CORPUS_PATH];
    int n = snprintf(path, sizeof(path), "%s/%s%.*s", root, between,
                     (int)named.len, named.ptr);

    if (n < 0 || (size_t)n >= sizeof(path))
        return TS_E_LIMIT;
    return corpus_read(arena, path, ret);
}

ts_err corpus_read_named(struct ts_arena *arena, const char *case_file,
                         struct ts_str named, struct ts_str *ret)
{
    char root[CORPUS_PATH];
    ts_err e = TS_E_NOT_FOUND;

    if (named.len == 0 || named.len > CORPUS_PATH ||
        memchr(named.ptr, '\0', named.len) != NULL ||
        strlen(case_file) >= sizeof(root))
        return TS_E_INVALID;
    (void)snprintf(root, sizeof(root), "%s", case_file);
    for (unsigned i = 0; i < DEPTH_MAX && cut(root); i++) {
        e = try_root(arena, root, "", named, ret);
        /* the handwritten cases are elsewhere than they say in one copy */
        if (e != TS_OK && ts_str_starts(named, TS_STR_LIT("tests/")))
            e = try_root(arena, root, "handwritten-", named, ret);
        if (e == TS_OK)
            break;
    }
    return e;
}

ts_err corpus_read_beside(struct ts_arena *arena, const char *case_file,
                          const char *suffix, const char *ending,
                          struct ts_str *ret)
{
    const char *name = strrchr(case_file, '/');
    char path[CORPUS_PATH];
    size_t stem;
    int n;

    if (name == NULL || !ends_in(name, ".json"))
        return TS_E_NOT_FOUND;
    stem = strlen(name) - strlen(".json");
    n = snprintf(path, sizeof(path), "%.*s%s%.*s%s", (int)(name - case_file),
                 case_file, suffix, (int)stem, name, ending);
    if (n < 0 || (size_t)n >= sizeof(path))
        return TS_E_LIMIT;
    return corpus_read(arena, path, ret);
}
