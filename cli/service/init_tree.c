#include "cli/service/init_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/files.h"

#define FILE_MAX 1048576 /* bytes of one written file */

static bool join(char *out, size_t cap, const char *dir, const char *name)
{
    int n = snprintf(out, cap, "%s/%s", dir, name);

    if (n > 0 && (size_t)n < cap)
        return true;
    cli_error("%s/%s: the path is too long", dir, name);
    return false;
}

static bool make_dir(const char *path, mode_t mode)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    if (chmod(path, mode) != 0) { /* whatever the umask says */
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

/* Missing or empty: rename() can put a directory there. */
static bool may_replace(const char *dir)
{
    const struct dirent *entry;
    bool is_empty = true;
    DIR *d = opendir(dir);

    if (d == NULL && errno == ENOENT)
        return true;
    if (d == NULL) {
        cli_error("%s: %s", dir, strerror(errno));
        return false;
    }
    while (is_empty && (entry = readdir(d)) != NULL)
        is_empty =
            strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    (void)closedir(d);
    if (!is_empty)
        cli_error("%s is not empty; give a new directory, nothing is ever "
                  "overwritten",
                  dir);
    return is_empty;
}

bool init_tree_begin(struct init_tree *t, const char *dir)
{
    size_t len = strlen(dir);
    int n;

    while (len > 1 && dir[len - 1] == '/')
        len--;
    n = snprintf(t->final, sizeof(t->final), "%.*s", (int)len, dir);
    if (n <= 0 || (size_t)n >= sizeof(t->final)) {
        cli_error("the path is too long");
        return false;
    }
    if (!may_replace(t->final))
        return false;
    (void)snprintf(t->path, sizeof(t->path), "%s.XXXXXX", t->final);
    if (mkdtemp(t->path) != NULL)
        return true;
    cli_error("%s: %s", t->path, strerror(errno));
    t->path[0] = '\0';
    return false;
}

bool init_tree_directory(const struct init_tree *t, const char *name,
                         mode_t mode)
{
    char path[4096];

    return join(path, sizeof(path), t->path, name) && make_dir(path, mode);
}

/* The directories above a file of the tree. */
static bool make_above(const struct init_tree *t, char *path)
{
    for (char *p = strchr(path + strlen(t->path) + 1, '/'); p != NULL;
         p = strchr(p + 1, '/')) {
        bool ok;

        *p = '\0';
        ok = make_dir(path, 0755);
        *p = '/';
        if (!ok)
            return false;
    }
    return true;
}

static bool fill(const char *what, struct ts_str text,
                 const struct starter_value *values, struct ts_buf *out)
{
    ts_err e = starter_fill(text, values, out);

    if (e == TS_OK)
        return true;
    cli_error("%s: the starter file cannot be filled in: %s", what,
              ts_err_text(e));
    return false;
}

static bool write_starter(const struct init_tree *t,
                          const struct starter_file *f,
                          const struct starter_value *values)
{
    struct ts_buf name, text;
    char path[4096];
    bool ok;

    ts_buf_init(&name, sizeof(path));
    ts_buf_init(&text, FILE_MAX);
    ok = fill(f->path, ts_str_of(f->path), values, &name) &&
         ts_buf_append(&name, "", 1) == TS_OK && /* its NUL */
         join(path, sizeof(path), t->path, (const char *)ts_buf_bytes(&name)) &&
         fill(f->path, (struct ts_str){(const char *)f->bytes, f->len}, values,
              &text) &&
         make_above(t, path) &&
         cli_write_new(path, 0644, ts_buf_bytes(&text), text.len);
    ts_buf_done(&name);
    ts_buf_done(&text);
    return ok;
}

bool init_tree_starter(const struct init_tree *t,
                       const struct starter_value *values)
{
    for (const struct starter_file *f = starter_files; f->path != NULL; f++) {
        if (!write_starter(t, f, values))
            return false;
    }
    return true;
}

bool init_tree_key(const struct init_tree *t, const char *name,
                   char hex_pub[2 * TRUST_PK_LEN + 1])
{
    uint8_t seed[TRUST_SEED_LEN], used[TRUST_SEED_LEN];
    struct trust_secret secret = {0};
    char path[4096], file[256], line[2 * TRUST_PK_LEN + 2];
    bool ok;

    randombytes_buf(seed, sizeof(seed));
    memcpy(used, seed, sizeof(used)); /* the next call wipes its argument */
    ok = trust_secret_from_seed(used, &secret) == TS_OK;
    if (!ok)
        cli_error("%s: the key cannot be derived", name);
    if (ok) {
        ts_hex_encode(line, secret.pk, TRUST_PK_LEN);
        memcpy(hex_pub, line, 2 * TRUST_PK_LEN + 1);
        line[(size_t)2 * TRUST_PK_LEN] = '\n';
        (void)snprintf(file, sizeof(file), "%s.pub", name);
        ok = join(path, sizeof(path), t->path, file) &&
             cli_write_new(path, 0444, line, 2 * TRUST_PK_LEN + 1);
    }
    (void)snprintf(file, sizeof(file), "%s.seed", name);
    ok = ok && join(path, sizeof(path), t->path, file) &&
         cli_write_new(path, 0400, seed, sizeof(seed));
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(used, sizeof(used));
    trust_secret_done(&secret);
    return ok;
}

bool init_tree_commit(struct init_tree *t)
{
    if (chmod(t->path, 0755) != 0 || rename(t->path, t->final) != 0) {
        cli_error("%s: %s", t->final, strerror(errno));
        return false;
    }
    t->path[0] = '\0';
    return true;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void init_tree_done(struct init_tree *t)
{
    if (t->path[0] == '\0')
        return;
    if (nftw(t->path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        cli_error("%s: left behind; remove it", t->path);
    t->path[0] = '\0';
}
