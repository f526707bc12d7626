/* Directories as lists of policy files. */
#include "cli/policy/dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cmd.h"
#include "cli/policy/files.h"

static bool push(struct ts_arena *arena, struct pol_paths *p, const char *path)
{
    void *mem;

    if (p->count == POL_FILES_MAX) {
        cli_error("more than %u files", POL_FILES_MAX);
        return false;
    }
    if (p->count == p->cap) {
        size_t cap = p->cap > 0 ? p->cap * 2 : 16;

        if (ts_arena_array(arena, cap, sizeof(*p->list), &mem) != TS_OK) {
            cli_error("out of memory");
            return false;
        }
        if (p->count > 0)
            memcpy(mem, p->list, p->count * sizeof(*p->list));
        p->list = mem;
        p->cap = cap;
    }
    if (ts_arena_strndup(arena, path, strlen(path), &p->list[p->count]) !=
        TS_OK) {
        cli_error("out of memory");
        return false;
    }
    p->count++;
    return true;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

/* Schemas and links of templates may lie beside the policies; their names say
 * what they are. */
static bool is_policy(const char *name)
{
    if (ends_in(name, ".cedarschema.json") || strcmp(name, "links.json") == 0)
        return false;
    return ends_in(name, ".cedar") || ends_in(name, ".json");
}

static bool complain(const char *path)
{
    char shown[512];

    (void)ts_str_show(shown, sizeof(shown), path, strlen(path));
    cli_error("%s: %s", shown, strerror(errno));
    return false;
}

static bool walk(struct ts_arena *arena, const char *dir, unsigned depth,
                 struct pol_paths *to);

static bool visit(struct ts_arena *arena, const char *dir, const char *name,
                  unsigned depth, struct pol_paths *to)
{
    char path[PATH_MAX];
    struct stat st;
    int n = snprintf(path, sizeof(path), "%s%s%s", dir,
                     ends_in(dir, "/") ? "" : "/", name);

    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return complain(dir);
    }
    if (lstat(path, &st) != 0)
        return complain(path);
    if (S_ISDIR(st.st_mode))
        return walk(arena, path, depth + 1, to);
    if (!is_policy(name))
        return true;
    /* a link to a file is a file; a FIFO or a device would block */
    if (S_ISLNK(st.st_mode) && stat(path, &st) != 0)
        return complain(path);
    return !S_ISREG(st.st_mode) || push(arena, to, path);
}

/* By bytes, whatever the locale: the order names policies. */
static int by_bytes(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

static bool list_names(struct ts_arena *arena, const char *dir,
                       struct pol_paths *ret)
{
    DIR *d = opendir(dir);
    bool ok = true;

    if (d == NULL)
        return complain(dir);
    while (ok) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(d);
        if (entry == NULL) {
            ok = errno == 0 || complain(dir);
            break;
        }
        if (entry->d_name[0] != '.')
            ok = push(arena, ret, entry->d_name);
    }
    (void)closedir(d);
    if (ok && ret->count > 0)
        qsort(ret->list, ret->count, sizeof(*ret->list), by_bytes);
    return ok;
}

static bool walk(struct ts_arena *arena, const char *dir, unsigned depth,
                 struct pol_paths *to)
{
    struct pol_paths names = {0};

    if (depth > POL_DIR_DEPTH) {
        cli_error("%s: more than %u folders deep", dir, POL_DIR_DEPTH);
        return false;
    }
    if (!list_names(arena, dir, &names))
        return false;
    for (size_t i = 0; i < names.count; i++)
        if (!visit(arena, dir, names.list[i], depth, to))
            return false;
    return true;
}

bool pol_paths_find(struct ts_arena *arena, const char *const *paths,
                    size_t count, struct pol_paths *ret)
{
    struct pol_paths found = {0};

    for (size_t i = 0; i < count; i++) {
        size_t before = found.count;
        struct stat st;

        if (strcmp(paths[i], "-") == 0 || stat(paths[i], &st) != 0 ||
            !S_ISDIR(st.st_mode)) {
            if (!push(arena, &found,
                      paths[i])) /* reading it says what is wrong */
                return false;
            continue;
        }
        if (!walk(arena, paths[i], 1, &found))
            return false;
        if (found.count == before) {
            cli_error("%s: no *.cedar or *.json file in this folder", paths[i]);
            return false;
        }
    }
    *ret = found;
    return true;
}
