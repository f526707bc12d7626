/* Manifests and people for tipstaff policy schema. */
#include "cli/policy/schema_tools.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/directory/installed.h"
#include "cli/policy/files.h"
#include "proto/trust/keys.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/control.h"
#include "sidecar/gate/people/directory_yaml.h"

struct collected {
    struct ts_arena *arena;
    struct bundle_file *files; /* BUNDLE_FILES_MAX */
    size_t count;
};

static bool fail(const char *path, const char *what)
{
    char shown[512];

    (void)ts_str_show(shown, sizeof(shown), path, strlen(path));
    cli_error("%s: %s", shown, what);
    return false;
}

static bool add(struct collected *c, const char *dir, const char *prefix,
                const char *name)
{
    char path[PATH_MAX], inside[BUNDLE_NAME_MAX + 1];
    struct cedar_source source;
    const char *copy;
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
    int m = snprintf(inside, sizeof(inside), "%s%s", prefix, name);

    if (n < 0 || (size_t)n >= sizeof(path) || m < 0 ||
        (size_t)m >= sizeof(inside))
        return fail(name, "the name is too long");
    if (c->count == BUNDLE_FILES_MAX)
        return fail(dir, "too many files");
    if (!pol_read(c->arena, path, BUNDLE_BYTES_MAX, &source))
        return false;
    if (ts_arena_strndup(c->arena, inside, (size_t)m, &copy) != TS_OK)
        return fail(path, "out of memory");
    c->files[c->count++] = (struct bundle_file){{copy, (size_t)m}, source.text};
    return true;
}

static bool is_yaml(const char *name)
{
    size_t n = strlen(name);

    return name[0] != '.' && n > 5 && strcmp(name + n - 5, ".yaml") == 0;
}

/* required: it must be there. */
static bool collect(struct collected *c, const char *dir, const char *prefix,
                    bool required)
{
    DIR *d = opendir(dir);
    bool ok = true;

    if (d == NULL && errno == ENOENT && !required)
        return true;
    if (d == NULL)
        return fail(dir, strerror(errno));
    while (ok) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(d);
        if (entry == NULL) {
            ok = errno == 0 || fail(dir, strerror(errno));
            break;
        }
        if (is_yaml(entry->d_name))
            ok = add(c, dir, prefix, entry->d_name);
    }
    (void)closedir(d);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    const struct bundle_file *x = a, *y = b;

    return ts_str_cmp(x->name, y->name);
}

static bool load(const struct collected *c, const char *dir,
                 struct manifests **ret)
{
    /* What the service has beside the files is not asked here. */
    static const struct manifest_facts facts = {.has_broker = true,
                                                .has_token_key = true};
    const struct bundle b = {.files = c->files, .count = c->count};
    struct manifests *m = NULL;
    char text[CONTROL_TEXT_MAX];

    if (manifests_load(&b, &facts, 1, &m, text, sizeof(text)) != TS_OK)
        return fail(dir, text);
    for (uint32_t i = 0; i < m->refused_count; i++)
        cli_error("%.*s", (int)m->refused[i].text.len, m->refused[i].text.ptr);
    if (m->refused_count == 0 && m->count == 0)
        (void)fail(dir, "holds no manifest (*.yaml)");
    if (m->refused_count > 0 || m->count == 0) {
        manifests_free(m);
        return false;
    }
    *ret = m;
    return true;
}

bool schema_tools_load(const char *dir, struct ts_arena *arena,
                       struct manifests **ret)
{
    struct collected c = {.arena = arena};
    char sandbox[PATH_MAX];
    void *mem;
    int n = snprintf(sandbox, sizeof(sandbox), "%s/../sandbox", dir);

    if (n < 0 || (size_t)n >= sizeof(sandbox))
        return fail(dir, "the name is too long");
    if (ts_arena_array(arena, BUNDLE_FILES_MAX, sizeof(*c.files), &mem) !=
        TS_OK)
        return fail(dir, "out of memory");
    c.files = mem;
    if (!collect(&c, dir, "tools/", true) ||
        !collect(&c, sandbox, "sandbox/", false))
        return false;
    qsort(c.files, c.count, sizeof(*c.files), by_name);
    return load(&c, dir, ret);
}

bool schema_people_load(const char *path, struct ts_arena *arena,
                        struct directory_snapshot *ret)
{
    struct cedar_source source;
    struct dir_found found;
    struct bundle_file file;
    char text[512];

    if (trust_init() != TS_OK)
        return fail(path, "the cryptographic library does not start");
    if (!pol_read(arena, path, BUNDLE_BYTES_MAX, &source))
        return false;
    /* a signed object is a msgpack array, which no YAML begins like */
    if (source.text.len > 0 && (unsigned char)source.text.ptr[0] >= 0x90) {
        const struct ts_bytes bytes = {(const uint8_t *)source.text.ptr,
                                       source.text.len};

        if (!dir_found_read(source.name, bytes, NULL, TS_STR_LIT(""), arena,
                            &found))
            return false;
        *ret = found.s;
        return true;
    }
    file = (struct bundle_file){ts_str_of(source.name), source.text};
    if (directory_yaml_read(&file, arena, ret, text, sizeof(text)) == TS_OK)
        return true;
    cli_error("%s", text);
    return false;
}
