#include "sidecar/launcher/tools/tools_host.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_fd.h"
#include "sidecar/common/layer.h"
#include "sidecar/launcher/tools/tools.h"

#define WHY_MAX    384
#define PATH_BYTES 4096

struct objection {
    const struct manifest *m;
    char *text;
    size_t cap;
};

TS_PRINTF(3, 4)
static bool object(const struct objection *o, const char *key, const char *fmt,
                   ...)
{
    char why[WHY_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    (void)snprintf(o->text, o->cap, "%.*s:%u: %s: %s", (int)o->m->file.len,
                   o->m->file.ptr, manifest_key_line(o->m, key), key, why);
    return true;
}

/* Whoever may write to it decides what runs with the tool's rights. */
static bool writable_by_all(const struct objection *o,
                            const struct image_pin *pin, const char *path)
{
    struct stat st;

    if (pin->fd < 0 || fstat(pin->fd, &st) != 0)
        return false;
    if ((st.st_mode & S_IWOTH) == 0)
        return false;
    return object(o, "exec",
                  "%s may be written to by everybody; take that away: chmod "
                  "o-w %s",
                  path, path);
}

/* Whoever may write to a folder puts another file in its place, but for those
 * with the sticky bit, like /tmp. */
static bool open_folder(const struct objection *o, const char *path)
{
    char folder[PATH_BYTES];
    struct stat st;

    for (size_t n = 1; n < sizeof(folder) && path[n - 1] != '\0'; n++) {
        if (path[n] != '/' && !(n == 1 && path[0] == '/'))
            continue;
        memcpy(folder, path, n);
        folder[n] = '\0';
        if (stat(folder, &st) == 0 && (st.st_mode & S_IWOTH) != 0 &&
            (st.st_mode & S_ISVTX) == 0)
            return object(o, "exec",
                          "the folder %s, in which it lies, may be written to "
                          "by everybody; take that away: chmod o-w %s",
                          folder, folder);
    }
    return false;
}

/* As it is named, and where the links of that name lead. */
static bool replaceable_by_all(const struct objection *o,
                               const struct image_pin *pin, const char *path)
{
    char self[40], real[PATH_BYTES];
    ssize_t n;

    if (pin->fd < 0)
        return false;
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", pin->fd);
    n = readlink(self, real, sizeof(real) - 1);
    if (n <= 0 || n == (ssize_t)sizeof(real) - 1)
        return object(o, "exec", "where it lies cannot be told");
    real[n] = '\0';
    return open_folder(o, path) || open_folder(o, real);
}

static bool sha256_of(const struct image_pin *pin, uint8_t ret[32])
{
    static unsigned char buf[65536];
    crypto_hash_sha256_state st;
    char self[40];
    ssize_t n;
    int fd TS_CLEANUP(ts_fd_close) = -1;

    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", pin->fd);
    fd = open(self, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    (void)crypto_hash_sha256_init(&st);
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        (void)crypto_hash_sha256_update(&st, buf, (unsigned long long)n);
    (void)crypto_hash_sha256_final(&st, ret);
    return n == 0;
}

static bool is_another(const struct objection *o, const struct image *i)
{
    char hex[2 * 32 + 1];
    uint8_t digest[32];

    if (!o->m->has_program_digest)
        return false;
    if (!sha256_of(&i->file, digest))
        return object(o, "digest", "the program cannot be read");
    if (memcmp(digest, o->m->program_digest, sizeof(digest)) == 0)
        return false;
    ts_hex_encode(hex, digest, sizeof(digest));
    return object(o, "digest",
                  "the program is another one, %s; look why, then write that "
                  "if it is meant",
                  hex);
}

static bool no_such_box(const struct objection *o, const struct tool_host *host)
{
    uint32_t missing = 0;

    if (tool_host_gives(o->m, host->offer, host->most, &missing))
        return false;
    if ((host->offer->demands & missing) != 0 &&
        (o->m->require & missing) == 0 && o->m->box < BOX_FULL)
        return object(o, "seccomp",
                      "what %.*s allows needs a box with the layer %s, which "
                      "is not given on this host (tipstaff doctor says why); "
                      "use a profile without sockets and shared objects",
                      (int)o->m->seccomp.len, o->m->seccomp.ptr,
                      layer_first(missing));
    if ((o->m->require & missing) != 0 || o->m->box == BOX_ANY)
        return object(o, "require",
                      "%s is not given on this host; tipstaff doctor says why",
                      layer_first(missing));
    return object(o, "sandbox",
                  "%s is not given on this host (%s is missing); tipstaff "
                  "doctor says why",
                  box_level_name(o->m->box), layer_first(missing));
}

bool tool_host_gives(const struct manifest *m, const struct level_offer *offer,
                     enum box_level most, uint32_t *reterr_missing)
{
    const struct level_want want = {.least = {m->box, BOX_ANY},
                                    .most = most,
                                    .require = m->require | LAYER_FLOOR};
    enum box_level level;

    return level_choose(offer, &want, &level, reterr_missing) == TS_OK;
}

bool tool_host_refuses(const struct manifest *m, const struct image *i,
                       const struct tool_host *host, char *text, size_t cap)
{
    const struct objection o = {.m = m, .text = text, .cap = cap};
    char exec[256], path[PATH_BYTES];

    (void)ts_str_escape(exec, sizeof(exec), m->exec.ptr, m->exec.len);
    (void)snprintf(path, sizeof(path), "%.*s", (int)m->exec.len, m->exec.ptr);
    return writable_by_all(&o, &i->file, exec) ||
           writable_by_all(&o, &i->interp, "its interpreter") ||
           replaceable_by_all(&o, &i->file, path) ||
           replaceable_by_all(&o, &i->interp, i->interp_path) ||
           is_another(&o, i) || no_such_box(&o, host);
}
