#include "sidecar/supervisor/hold.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_str.h"

#define SPACE       "/proc/self/ns/pid"
#define LOCKS       "/proc/locks"
#define LINE_CAP    512
#define NAME_CAP    64
#define NUMBER_MOST (UINT64_C(1) << 60) /* another digit still fits */
#define WHY         400                 /* bytes of a reason */
#define PAUSE_NS    20000000            /* 20 ms between two looks */
#define TURN_LOOK   50                  /* for who starts just now: 1 s */
#define DYING       100                 /* 2 s */
/* Nobody's: above systemd's, below those of subordinate users (shadow). */
#define FREE_FIRST  66000u
#define FREE_TRIES  64
#define UID_HIGHEST 0x7fffffffu

static bool overlaps(struct hold_range a, struct hold_range b)
{
    return a.first <= b.first + (b.count - 1) &&
           b.first <= a.first + (a.count - 1);
}

static void pause_a_little(void)
{
    const struct timespec pause = {0, PAUSE_NS};

    (void)nanosleep(&pause, NULL);
}

/* Digits up to `stop`, behind which *at is left. */
static bool number(const char **at, char stop, uint64_t *ret)
{
    const char *p = *at;
    uint64_t v = 0;

    while (*p >= '0' && *p <= '9' && v < NUMBER_MOST)
        v = v * 10 + (uint64_t)(*p++ - '0');
    if (p == *at || *p != stop)
        return false;
    *at = p + 1;
    *ret = v;
    return true;
}

/* Behind the next word and the spaces that follow it. */
static const char *next_word(const char *p)
{
    while (*p != '\0' && *p != ' ')
        p++;
    while (*p == ' ')
        p++;
    return p;
}

/* "1: POSIX  ADVISORY  READ 14766 00:04:4026531836 60578 61183"; "->" behind
 * the number means that it waits for one. */
bool hold_lock_parse(const char *line, const char *device,
                     struct hold_range *ret, long *ret_pid)
{
    uint64_t pid, inode, first, last;
    size_t n = strlen(device);
    const char *p = next_word(line);

    if (strncmp(p, "POSIX ", 6) != 0)
        return false;
    p = next_word(next_word(next_word(p)));
    if (!number(&p, ' ', &pid) || strncmp(p, device, n) != 0 || p[n] != ':')
        return false;
    p += n + 1;
    if (!number(&p, ' ', &inode) || !number(&p, ' ', &first))
        return false;
    if (strncmp(p, "EOF", 3) == 0)
        last = UINT32_MAX - 1;
    else if (!number(&p, '\n', &last))
        return false;
    if (last >= UINT32_MAX)
        last = UINT32_MAX - 1;
    if (first > last)
        return false;
    *ret = (struct hold_range){(uint32_t)first, (uint32_t)(last - first + 1)};
    *ret_pid = (long)pid;
    return true;
}

bool hold_passwd_parse(const char *line, struct hold_range *ret)
{
    const char *p = strchr(line, ':');
    uint64_t uid;

    if (p == NULL || (p = strchr(p + 1, ':')) == NULL)
        return false;
    p++;
    if (!number(&p, ':', &uid) || uid > UINT32_MAX)
        return false;
    *ret = (struct hold_range){(uint32_t)uid, 1};
    return true;
}

bool hold_subuid_parse(const char *line, struct hold_range *ret)
{
    const char *p = strchr(line, ':');
    uint64_t first, count;

    if (p == NULL)
        return false;
    p++;
    if (!number(&p, ':', &first) ||
        (!number(&p, '\n', &count) && !number(&p, '\0', &count)) || count < 1 ||
        first > UINT32_MAX || count - 1 > UINT32_MAX - first)
        return false;
    *ret = (struct hold_range){(uint32_t)first, (uint32_t)count};
    return true;
}

/* ---- other processes ----------------------------------------------------- */

struct who { /* of /proc/PID/status */
    uint32_t uid[4];
    char name[NAME_CAP];
    bool is_dead;
};

static bool read_status(long pid, struct who *ret)
{
    char path[64], line[LINE_CAP];
    struct who w = {.name = "?"};
    bool found = false;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%ld/status", pid);
    f = fopen(path, "re");
    while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "Name:\t", 6) == 0)
            (void)ts_str_escape(w.name, sizeof(w.name), line + 6,
                                strlen(line + 6));
        else if (strncmp(line, "State:\t", 7) == 0)
            w.is_dead = line[7] == 'Z' || line[7] == 'X';
        else if (strncmp(line, "Uid:\t", 5) == 0) {
            const char *p = line + 5;

            found = true;
            for (int i = 0; i < 4 && found; i++) {
                uint64_t v = 0;

                found = number(&p, i < 3 ? '\t' : '\0', &v);
                w.uid[i] = (uint32_t)v;
            }
        }
    }
    if (f != NULL)
        (void)fclose(f);
    if (found)
        *ret = w;
    return found;
}

/* Who holds locks for a service is root; what cannot be seen may be. */
static bool is_root(long pid)
{
    struct who w;

    return !read_status(pid, &w) || w.uid[0] == 0;
}

/* Its command line, for a message. */
static void describe(long pid, char *out, size_t cap)
{
    char path[64], raw[160];
    size_t n = 0;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t got = read(fd, raw, sizeof(raw));

        n = got > 0 ? (size_t)got : 0;
        (void)close(fd);
    }
    while (n > 0 && raw[n - 1] == '\0')
        n--;
    for (size_t i = 0; i < n; i++)
        raw[i] = raw[i] == '\0' ? ' ' : raw[i];
    (void)ts_str_escape(out, cap, raw, n);
}

static bool is_in(struct hold_range r, const struct who *w)
{
    for (int i = 0; i < 4; i++) {
        if (w->uid[i] >= r.first && w->uid[i] - r.first < r.count)
            return true;
    }
    return false;
}

/* One that runs under a uid of the range; 0: none; -1: not to be known. */
static long find_process(struct hold_range r, struct who *ret)
{
    const struct dirent *e;
    DIR *d = opendir("/proc");
    long found = d == NULL ? -1 : 0;

    while (found == 0 && (e = readdir(d)) != NULL) {
        const char *p = e->d_name;
        uint64_t pid;

        if (number(&p, '\0', &pid) && read_status((long)pid, ret) &&
            !ret->is_dead && is_in(r, ret))
            found = (long)pid;
    }
    if (d != NULL)
        (void)closedir(d);
    return found;
}

/* ---- the files ----------------------------------------------------------- */

/* The first line of the file that gives some of the range away. *ret_line 0:
 * none. Without the file there is nobody. */
static void find_line(const char *path,
                      bool (*parse)(const char *, struct hold_range *),
                      struct hold_range r, unsigned *ret_line,
                      char name[NAME_CAP])
{
    FILE *f = fopen(path, "re");
    char line[LINE_CAP];
    struct hold_range theirs;
    unsigned at = 0;
    bool is_begin = true; /* of a line */

    *ret_line = 0;
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        bool was_begin = is_begin;

        is_begin = strchr(line, '\n') != NULL;
        at += was_begin ? 1 : 0;
        if (!was_begin || !parse(line, &theirs) || !overlaps(theirs, r))
            continue;
        *ret_line = at;
        (void)ts_str_escape(name, NAME_CAP, line, strcspn(line, ":"));
        break;
    }
    if (f != NULL)
        (void)fclose(f);
}

/* ---- the lock ------------------------------------------------------------ */

static struct flock lock_of(struct hold_range r, short type)
{
    return (struct flock){.l_type = type,
                          .l_whence = SEEK_SET,
                          .l_start = r.first,
                          .l_len = r.count};
}

struct holder {
    long pid; /* 0: none */
    struct hold_range range;
};

/* As the kernel sees it at this moment: it knows one that is in the way. */
static bool ask_kernel(int fd, struct hold_range r, struct holder *ret)
{
    struct flock l = lock_of(r, F_WRLCK);

    if (fcntl(fd, F_GETLK, &l) != 0)
        return false;
    if (l.l_type != F_UNLCK && l.l_pid > 0 && is_root(l.l_pid)) {
        bool is_whole = l.l_len <= 0 || l.l_start + l.l_len > UINT32_MAX;

        ret->pid = l.l_pid;
        ret->range = (struct hold_range){
            (uint32_t)l.l_start,
            is_whole ? UINT32_MAX - (uint32_t)l.l_start : (uint32_t)l.l_len};
    }
    return true;
}

/* And all of them, those on namespaces below ours too. */
static bool read_locks(int fd, struct hold_range r, struct holder *ret)
{
    char line[LINE_CAP], device[16];
    struct stat st;
    FILE *f;

    if (fstat(fd, &st) != 0)
        return false;
    (void)snprintf(device, sizeof(device), "%02x:%02x", major(st.st_dev),
                   minor(st.st_dev));
    f = fopen(LOCKS, "re");
    if (f == NULL)
        return false;
    while (ret->pid == 0 && fgets(line, sizeof(line), f) != NULL) {
        struct holder x;

        if (hold_lock_parse(line, device, &x.range, &x.pid) &&
            x.pid != (long)getpid() && x.pid > 0 && overlaps(x.range, r) &&
            is_root(x.pid))
            *ret = x;
    }
    (void)fclose(f);
    return true;
}

static bool find_holder(int fd, struct hold_range r, struct holder *ret)
{
    *ret = (struct holder){0};
    return ask_kernel(fd, r, ret) && (ret->pid != 0 || read_locks(fd, r, ret));
}

/* So that of two that start at once one gets it. Whoever keeps this for
 * himself delays a start and does not prevent it. */
static void await_turn(int fd)
{
    for (int i = 0; i < TURN_LOOK; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            return;
        pause_a_little();
    }
}

static ts_err look_at_services(int fd, struct hold_range r, char *text)
{
    struct holder h;
    char who[200];

    if (!find_holder(fd, r, &h)) {
        (void)snprintf(text, WHY,
                       "who else holds uids cannot be read from %s and %s: %s",
                       LOCKS, SPACE, strerror(errno));
        return TS_E_SYSTEM;
    }
    if (h.pid == 0)
        return TS_OK;
    describe(h.pid, who, sizeof(who));
    (void)snprintf(text, WHY,
                   "%u-%u are held by process %ld (%s), and two services with "
                   "the same uids would end each other's tools",
                   h.range.first, h.range.first + (h.range.count - 1), h.pid,
                   who);
    return TS_E_DENIED;
}

/* Groups do not matter: no tool gets one of these numbers as its group. */
static ts_err look_at_users(struct hold_range r, char *text)
{
    static const struct {
        const char *path;
        bool (*parse)(const char *, struct hold_range *);
    } files[] = {{"/etc/passwd", hold_passwd_parse},
                 {"/etc/subuid", hold_subuid_parse}};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char name[NAME_CAP];
        unsigned line = 0;

        find_line(files[i].path, files[i].parse, r, &line, name);
        if (line == 0)
            continue;
        (void)snprintf(text, WHY,
                       "%s:%u gives some of them to %s, as whom a tool would "
                       "act",
                       files[i].path, line, name);
        return TS_E_DENIED;
    }
    return TS_OK;
}

/* Time for those that are dying. */
static ts_err await_nobody(struct hold_range r, int looks, char *text)
{
    struct who w;
    long pid = find_process(r, &w);

    for (int i = 0; i < looks && pid > 0; i++) {
        pause_a_little();
        pid = find_process(r, &w);
    }
    if (pid == 0)
        return TS_OK;
    if (pid < 0)
        (void)snprintf(text, WHY, "/proc cannot be read: %s", strerror(errno));
    else
        (void)snprintf(text, WHY,
                       "process %ld (%s) runs as %u: end it if a service that "
                       "was killed has left it behind",
                       pid, w.name, w.uid[1]);
    return TS_E_STATE;
}

/* Takes what nothing is in the way of. */
static ts_err take(struct hold_range r, int looks, struct hold *ret, char *text)
{
    int fd TS_CLEANUP(ts_fd_close) = open(SPACE, O_RDONLY | O_CLOEXEC);
    struct flock l = lock_of(r, F_RDLCK);
    ts_err e;

    if (fd >= 0)
        await_turn(fd);
    if (fd < 0 || fcntl(fd, F_SETLK, &l) != 0) {
        (void)snprintf(text, WHY,
                       "they cannot be held by a lock on %s: "
                       "%s",
                       SPACE, strerror(errno));
        return TS_E_SYSTEM;
    }
    if ((e = look_at_services(fd, r, text)) != TS_OK ||
        (e = look_at_users(r, text)) != TS_OK ||
        (e = await_nobody(r, looks, text)) != TS_OK)
        return e;
    (void)flock(fd, LOCK_UN);
    ret->fd = fd;
    fd = -1; /* moved */
    return TS_OK;
}

/* Another range of that size; holds it. */
static ts_err take_free(uint32_t count, struct hold *ret,
                        struct hold_range *ret_range)
{
    struct hold_range r = {FREE_FIRST, count};
    char ignored[WHY];

    for (int i = 0; i < FREE_TRIES && r.first < UID_HIGHEST - count; i++) {
        if (take(r, 0, ret, ignored) == TS_OK) {
            *ret_range = r;
            return TS_OK;
        }
        r.first += count;
    }
    return TS_E_LIMIT;
}

bool hold_is_needed(void)
{
    const uint32_t wanted =
        1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_KILL;
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};

    return syscall(SYS_capget, &h, d) != 0 ||
           (d[0].permitted & wanted) == wanted;
}

ts_err hold_take(struct hold_range want, struct hold *ret, char *reterr_text)
{
    char why[WHY];
    struct hold other = {.fd = -1};
    struct hold_range free_range = {0};
    ts_err e = take(want, DYING, ret, why);

    if (e == TS_OK)
        return TS_OK;
    if (take_free(want.count, &other, &free_range) == TS_OK)
        (void)snprintf(reterr_text, HOLD_TEXT,
                       "sandbox: uids %u-%u: %s; write others, such as "
                       "`sandbox: {uids: %u-%u}`",
                       want.first, want.first + (want.count - 1), why,
                       free_range.first,
                       free_range.first + (free_range.count - 1));
    else
        (void)snprintf(reterr_text, HOLD_TEXT,
                       "sandbox: uids %u-%u: %s; write others, or `sandbox: "
                       "{level: bare}`",
                       want.first, want.first + (want.count - 1), why);
    hold_done(&other);
    return e;
}

ts_err hold_some(struct hold_range want, struct hold *ret,
                 struct hold_range *ret_range, char *text)
{
    char why[WHY];
    ts_err e = take(want, 0, ret, why);

    text[0] = '\0';
    if (e == TS_OK) {
        *ret_range = want;
        return TS_OK;
    }
    if (take_free(want.count, ret, ret_range) != TS_OK) {
        (void)snprintf(text, HOLD_TEXT, "sandbox: uids %u-%u: %s", want.first,
                       want.first + (want.count - 1), why);
        return e;
    }
    (void)snprintf(text, HOLD_TEXT,
                   "sandbox: uids %u-%u: %s; tried with %u-%u instead",
                   want.first, want.first + (want.count - 1), why,
                   ret_range->first, ret_range->first + (ret_range->count - 1));
    return TS_OK;
}

void hold_done(struct hold *h)
{
    ts_fd_close(&h->fd);
}
