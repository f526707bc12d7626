#include "sidecar/launcher/tools/image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/launcher/layers/raw.h"

#define SHEBANG_MAX 256 /* bytes the kernel reads of a first line */
#define PHDRS_MAX   64
#define LOADER_MAX  256
#define IMAGE_MAX   ((off_t)2 << 30) /* bytes; more is not a tool */
#define TICK_NS     20000000ll /* the clock of files is no coarser: 100 Hz */

static const char *say(struct ts_arena *arena, const char *path,
                       const char *why)
{
    char text[512];
    const char *copy = why;
    int n = snprintf(text, sizeof(text), "%s: %s", path, why);

    if (n > 0 && (size_t)n < sizeof(text) &&
        ts_arena_strndup(arena, text, (size_t)n, &copy) != TS_OK)
        return why;
    return copy;
}

static ts_err digest_of(int fd, uint8_t out[32])
{
    crypto_generichash_state st;
    static unsigned char buf[65536];
    ssize_t n;

    (void)crypto_generichash_init(&st, NULL, 0, 32);
    while ((n = read(fd, buf, sizeof(buf))) > 0)
        (void)crypto_generichash_update(&st, buf, (unsigned long long)n);
    (void)crypto_generichash_final(&st, out, 32);
    return n < 0 ? ts_err_from_errno(errno) : TS_OK;
}

long image_open_path(const struct filter_key *key, const char *path, int flags)
{
    const struct open_how how = {
        .flags = (uint64_t)(unsigned)(O_PATH | O_CLOEXEC | flags),
        .resolve = RESOLVE_NO_MAGICLINKS};

    return filter_call4(key, SYS_openat2, AT_FDCWD, raw_ptr(path),
                        raw_ptr(&how), sizeof(how));
}

/* The kernel looks for writers before it looks at the arguments, which nobody
 * can read: nothing is ever executed. */
static bool has_writer(int fd, const struct filter_key *key)
{
    return filter_call5(key, SYS_execveat, fd, raw_ptr(""), 1, 0,
                        AT_EMPTY_PATH) == -ETXTBSY;
}

/* Until a change would have another time than the last one. */
static void wait_a_tick(const struct stat *st)
{
    const struct timespec tick = {0, TICK_NS};
    struct timespec now;
    long long age;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return;
    age = (long long)(now.tv_sec - st->st_ctim.tv_sec);
    if (age > 1 || age < -1) /* in the future: the clock was set */
        return;
    age = age * 1000000000 + (now.tv_nsec - st->st_ctim.tv_nsec);
    if (age < TICK_NS)
        (void)nanosleep(&tick, NULL);
}

/* Opens, or takes what was given, reads the head, digests; leaves an O_PATH
 * descriptor of the very same inode in the pin. */
static ts_err pin_open(const char *path, int given,
                       const struct filter_key *key, struct ts_arena *arena,
                       struct image_pin *ret, uint8_t *head, size_t *io_head,
                       const char **reterr_text)
{
    long opened = given < 0 ? image_open_path(key, path, 0)
                            : raw_call3(SYS_fcntl, given, F_DUPFD_CLOEXEC, 3);
    struct image_pin p = {.fd = opened < 0 ? -1 : (int)opened};
    char self[40];
    struct stat st;
    ssize_t n = -1;
    int fd = -1;
    ts_err e;

    errno = opened < 0 ? (int)-opened : 0;
    if (p.fd < 0 || fstat(p.fd, &st) != 0)
        goto fail;
    if (has_writer(p.fd, key)) {
        errno = ETXTBSY;
        goto fail;
    }
    wait_a_tick(&st);
    if (fstat(p.fd, &st) != 0)
        goto fail;
    if (!S_ISREG(st.st_mode) || st.st_size > IMAGE_MAX ||
        (st.st_mode & 0111) == 0) {
        errno = EACCES;
        goto fail;
    }
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", p.fd);
    fd = open(self, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (n = pread(fd, head, *io_head, 0)) < 0)
        goto fail;
    if ((e = digest_of(fd, p.digest)) != TS_OK)
        goto fail;
    ts_fd_close(&fd);
    *io_head = (size_t)n;
    p.dev = st.st_dev;
    p.ino = st.st_ino;
    p.size = st.st_size;
    p.mtime = st.st_mtim;
    p.ctime = st.st_ctim;
    *ret = p;
    return TS_OK;
fail:
    e = ts_err_from_errno(errno);
    *reterr_text =
        say(arena, path,
            e == TS_E_NOT_FOUND
                ? "there is no such file; install it, or write what "
                  "`command -v` prints"
            : errno == EACCES
                ? "not a program: a file that may be read and executed"
                : strerror(errno));
    ts_fd_close(&fd);
    ts_fd_close(&p.fd);
    return e == TS_OK ? TS_E_SYSTEM : e;
}

/* The loader that the kernel will open for a dynamic program. Anything that is
 * not understood here gets no loader and then fails to execute. */
static ts_err find_loader(const struct image_pin *pin, struct ts_arena *arena,
                          struct image *i)
{
    char self[40], path[LOADER_MAX];
    Elf64_Phdr ph;
    Elf64_Ehdr eh;
    ts_err e = TS_OK;
    int fd;

    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", pin->fd);
    fd = open(self, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ts_err_from_errno(errno);
    if (pread(fd, &eh, sizeof(eh), 0) != (ssize_t)sizeof(eh) ||
        memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
        eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_phnum > PHDRS_MAX ||
        eh.e_phentsize != sizeof(ph)) {
        e = TS_E_FORMAT;
        goto out;
    }
    for (unsigned k = 0; k < eh.e_phnum; k++) {
        off_t at = (off_t)eh.e_phoff + (off_t)(k * sizeof(ph));

        if (pread(fd, &ph, sizeof(ph), at) != (ssize_t)sizeof(ph))
            break;
        if (ph.p_type != PT_INTERP)
            continue;
        if (ph.p_filesz < 2 || ph.p_filesz > sizeof(path) ||
            pread(fd, path, ph.p_filesz, (off_t)ph.p_offset) !=
                (ssize_t)ph.p_filesz ||
            path[ph.p_filesz - 1] != '\0') {
            e = TS_E_FORMAT;
            goto out;
        }
        i->loader_fd = open(path, O_PATH | O_CLOEXEC);
        if (i->loader_fd < 0)
            e = ts_err_from_errno(errno);
        else
            e = ts_arena_strndup(arena, path, ph.p_filesz - 1, &i->loader_path);
        break;
    }
out:
    (void)close(fd);
    return e;
}

/* "#!/usr/bin/env NAME" looks NAME up in PATH; here it is done once. */
static const char *resolve_env(const char *name, char *buf, size_t cap)
{
    static const char *const dirs[] = {"/usr/local/bin", "/usr/bin", "/bin"};

    for (size_t k = 0; k < sizeof(dirs) / sizeof(dirs[0]); k++) {
        int n = snprintf(buf, cap, "%s/%s", dirs[k], name);

        if (n > 0 && (size_t)n < cap && access(buf, X_OK) == 0)
            return buf;
    }
    return NULL;
}

/* Splits "#!interpreter [argument]" as execve(2) does. */
static ts_err parse_shebang(const char *line, size_t len,
                            struct ts_arena *arena, struct image *i)
{
    const char *at = line + 2, *end = memchr(line, '\n', len), *stop;
    char found[256];
    ts_err e;

    if (end == NULL)
        return TS_E_FORMAT; /* the kernel would cut it off */
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    for (stop = at; stop < end && *stop != ' ' && *stop != '\t'; stop++)
        ;
    if (stop == at || *at != '/')
        return TS_E_FORMAT;
    e = ts_arena_strndup(arena, at, (size_t)(stop - at), &i->interp_path);
    if (e != TS_OK)
        return e;
    while (stop < end && (*stop == ' ' || *stop == '\t'))
        stop++;
    if (stop == end)
        return TS_OK;
    e = ts_arena_strndup(arena, stop, (size_t)(end - stop), &i->interp_arg);
    if (e != TS_OK || strcmp(i->interp_path, "/usr/bin/env") != 0)
        return e;
    if (i->interp_arg[0] == '-' || strpbrk(i->interp_arg, " \t/=") != NULL ||
        resolve_env(i->interp_arg, found, sizeof(found)) == NULL)
        return TS_E_NOT_FOUND;
    i->interp_arg = NULL;
    return ts_arena_strndup(arena, found, strlen(found), &i->interp_path);
}

static ts_err open_interpreter(const char *path, const char *line, size_t len,
                               const struct filter_key *key,
                               struct ts_arena *arena, struct image *i,
                               const char **reterr_text)
{
    uint8_t head[SHEBANG_MAX];
    size_t n = sizeof(head);
    ts_err e = parse_shebang(line, len, arena, i);

    if (e != TS_OK) {
        *reterr_text = say(arena, path,
                           "its first line names no interpreter that exists; "
                           "write \"#!/absolute/path\"");
        return e;
    }
    e = pin_open(i->interp_path, -1, key, arena, &i->interp, head, &n,
                 reterr_text);
    if (e != TS_OK)
        return e;
    if (n >= 2 && head[0] == '#' && head[1] == '!') {
        *reterr_text = say(arena, path, "its interpreter is a script itself");
        return TS_E_FORMAT;
    }
    return TS_OK;
}

ts_err image_open(struct ts_str path, int given, const struct filter_key *key,
                  struct ts_arena *arena, struct image *ret,
                  const char **reterr_text)
{
    struct image i = {.file.fd = -1, .interp.fd = -1, .loader_fd = -1};
    uint8_t head[SHEBANG_MAX];
    size_t n = sizeof(head);
    const char *name;
    ts_err e = ts_arena_strndup(arena, path.ptr, path.len, &name);

    *reterr_text = "out of memory";
    if (e != TS_OK)
        return e;
    e = pin_open(name, given, key, arena, &i.file, head, &n, reterr_text);
    if (e == TS_OK && n >= 2 && head[0] == '#' && head[1] == '!')
        e = open_interpreter(name, (const char *)head, n, key, arena, &i,
                             reterr_text);
    if (e == TS_OK) {
        *reterr_text = say(arena, name,
                           "not a 64-bit ELF program whose loader exists, and "
                           "no script");
        e = find_loader(i.interp.fd >= 0 ? &i.interp : &i.file, arena, &i);
    }
    if (e != TS_OK)
        image_done(&i);
    else
        *ret = i;
    return e;
}

void image_done(struct image *i)
{
    ts_fd_close(&i->file.fd);
    ts_fd_close(&i->interp.fd);
    ts_fd_close(&i->loader_fd);
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool pin_holds(const struct image_pin *p)
{
    struct stat st;

    return fstat(p->fd, &st) == 0 && st.st_nlink > 0 && st.st_dev == p->dev &&
           st.st_ino == p->ino && st.st_size == p->size &&
           same_time(st.st_mtim, p->mtime) && same_time(st.st_ctim, p->ctime);
}

ts_err image_check(const struct image *i)
{
    if (!pin_holds(&i->file) || (i->interp.fd >= 0 && !pin_holds(&i->interp)))
        return TS_E_STATE;
    return TS_OK;
}
