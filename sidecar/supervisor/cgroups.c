#include "sidecar/supervisor/cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_num.h"

#define LINE_CAP   2048
#define PATH_CAP   512
#define LEFT_MAX   1024 /* groups of a dead supervisor that are looked at */
#define NAMES_MAX  16   /* of supervisors with the same number that run */
#define PIDS_MAX   (1 << 22) /* there is no process of a higher number */
#define PREFIX     "tipstaff-tools-"
#define MAIN_GROUP "tipstaff-main" /* where we go if our own must be empty */
#define LAUNCHERS  "launchers"

enum tree {
    TREE_V2 = 0,
    TREE_MEMORY,
    TREE_PIDS
};

static const char *const tree_names[CGROUPS_TREES] = {"v2", "memory", "pids"};

static bool has_word(const char *list, const char *word, char separator)
{
    size_t n = strlen(word);

    for (const char *at = list; at != NULL; at = strchr(at, separator)) {
        at += *at == separator ? 1 : 0;
        if (strncmp(at, word, n) == 0 &&
            (at[n] == separator || at[n] == '\0' || at[n] == '\n'))
            return true;
    }
    return false;
}

/* The nth word (from 0) of a line of words with single spaces. */
static bool word_of(const char *line, unsigned nth, char *out, size_t cap)
{
    size_t n;

    for (; nth > 0 && line != NULL; nth--) {
        line = strchr(line, ' ');
        line += line != NULL ? 1 : 0;
    }
    if (line == NULL)
        return false;
    n = strcspn(line, " \n");
    if (n == 0 || n >= cap)
        return false;
    memcpy(out, line, n);
    out[n] = '\0';
    return true;
}

/* Mount point and root of a hierarchy, from /proc/self/mountinfo: "id parent
 * major:minor root point options.. - type source super-options". */
static bool find_mount(enum tree t, char at[PATH_CAP], char root[PATH_CAP])
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char line[LINE_CAP], type[32], options[512];
    bool found = false;

    while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
        const char *tail = strstr(line, " - ");

        if (tail == NULL || !word_of(line, 3, root, PATH_CAP) ||
            !word_of(line, 4, at, PATH_CAP) ||
            !word_of(tail + 3, 0, type, sizeof(type)) ||
            !word_of(tail + 3, 2, options, sizeof(options)))
            continue;
        found = t == TREE_V2 ? strcmp(type, "cgroup2") == 0
                             : strcmp(type, "cgroup") == 0 &&
                                   has_word(options, tree_names[t], ',');
    }
    if (f != NULL)
        (void)fclose(f);
    return found;
}

/* Our own group's path in a hierarchy, from /proc/self/cgroup. */
static bool find_own(enum tree t, char path[PATH_CAP])
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    char line[LINE_CAP];
    bool found = false;

    while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
        char *names = strchr(line, ':'), *own;

        if (names == NULL || (own = strchr(names + 1, ':')) == NULL)
            continue;
        *own++ = '\0';
        own[strcspn(own, "\n")] = '\0';
        found = t == TREE_V2 ? names[1] == '\0'
                             : has_word(names + 1, tree_names[t], ',');
        if (found && snprintf(path, PATH_CAP, "%s", own) >= PATH_CAP)
            found = false;
    }
    if (f != NULL)
        (void)fclose(f);
    return found;
}

/* The directory of our own group, as this mount namespace shows it. */
static bool own_folder(enum tree t, char out[PATH_CAP])
{
    char at[PATH_CAP], root[PATH_CAP], own[PATH_CAP];
    const char *below = own;
    size_t n;
    int len;

    if (!find_mount(t, at, root) || !find_own(t, own))
        return false;
    n = strlen(root);
    if (n > 1) /* a container sees a part of the tree as its mount */
        below = strncmp(own, root, n) == 0 ? own + n : "";
    len = snprintf(out, PATH_CAP, "%s%s", at,
                   strcmp(below, "/") == 0 ? "" : below);
    return len > 0 && len < PATH_CAP;
}

static bool put(const char *folder, const char *file, const char *text)
{
    char path[PATH_CAP + 64];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = write(fd, text, strlen(text));
    (void)close(fd);
    return n == (ssize_t)strlen(text);
}

/* Nobody but us lives in it. */
static bool is_ours_alone(const char *folder)
{
    char path[PATH_CAP + 64], text[64] = "", me[24];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    (void)snprintf(me, sizeof(me), "%d\n", (int)getpid());
    return n > 0 && strcmp(text, me) == 0;
}

static void hand_on(const char *folder)
{
    (void)put(folder, "cgroup.subtree_control", "+memory +pids");
    (void)put(folder, "cgroup.subtree_control", "+cpu");
}

/* A group that hands controllers on may hold no process itself, so we leave
 * ours, if it is a service's (and not, say, a login session's). True if we
 * left. */
static bool free_controllers(const char *own)
{
    char path[PATH_CAP + 64];

    if (put(own, "cgroup.subtree_control", "+memory +pids")) {
        hand_on(own);
        return false;
    }
    if (!is_ours_alone(own))
        return false;
    (void)snprintf(path, sizeof(path), "%s/" MAIN_GROUP, own);
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return false;
    if (!put(path, "cgroup.procs", "0"))
        return false;
    hand_on(own);
    return true;
}

/* The other way, once nothing is left beneath. */
static void take_back(const char *main_group)
{
    char own[PATH_CAP];
    char *slash;

    (void)snprintf(own, sizeof(own), "%s", main_group);
    slash = strrchr(own, '/');
    if (slash == NULL)
        return;
    *slash = '\0';
    (void)put(own, "cgroup.subtree_control", "-cpu");
    (void)put(own, "cgroup.subtree_control", "-memory -pids");
    if (put(own, "cgroup.procs", "0"))
        (void)rmdir(main_group);
}

/* Groups, then what holds them; those in use stay. */
static void sweep_one(const char *folder)
{
    const struct dirent *e;
    DIR *d = opendir(folder);

    for (int i = 0; d != NULL && i < LEFT_MAX && (e = readdir(d)) != NULL;
         i++) {
        if (e->d_type == DT_DIR && e->d_name[0] != '.')
            (void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(folder);
}

/* Another supervisor runs: its groups that wait for a tool are empty, too. */
static bool is_lived_in(const char *pid_text)
{
    pid_t pid = 0;

    for (; *pid_text >= '0' && *pid_text <= '9'; pid_text++) {
        if (ts_ckd_mul(&pid, pid, 10) || ts_ckd_add(&pid, pid, *pid_text - '0'))
            return false;
    }
    return pid > 0 && pid != getpid() && *pid_text == '\0' &&
           (kill(pid, 0) == 0 || errno == EPERM);
}

/* Whoever uses a tree holds its lock: the number in its name says nothing of a
 * supervisor in another PID namespace. -1: it is in use, or gone meanwhile. */
static int lock_tree(const char *path)
{
    int fd TS_CLEANUP(ts_fd_close) =
        open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat held, there;
    int ret = -1;

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &held) == 0 &&
        stat(path, &there) == 0 && held.st_dev == there.st_dev &&
        held.st_ino == there.st_ino) {
        ret = fd;
        fd = -1; /* moved to the caller */
    }
    return ret;
}

static void sweep(const char *own)
{
    const struct dirent *e;
    DIR *d = opendir(own);

    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[PATH_CAP + 300];
        int lock;

        if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1) != 0 ||
            is_lived_in(e->d_name + sizeof(PREFIX) - 1))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", own, e->d_name);
        lock = lock_tree(path);
        if (lock >= 0)
            sweep_one(path);
        ts_fd_close(&lock);
    }
    if (d != NULL)
        (void)closedir(d);
}

static bool give_to(const char *folder, const char *file, uid_t uid, gid_t gid)
{
    char path[PATH_CAP + 64];

    (void)snprintf(path, sizeof(path), "%s%s%s", folder, *file ? "/" : "",
                   file);
    return uid == (uid_t)-1 || chown(path, uid, gid) == 0;
}

/* Named by our number, or where another of that number runs, by one that no
 * process has. */
static int make_locked(const char *own, char out[PATH_CAP])
{
    for (int i = 0; i < NAMES_MAX; i++) {
        int n = snprintf(out, PATH_CAP, "%s/" PREFIX "%d", own,
                         (int)getpid() + i * PIDS_MAX);
        int lock;

        if (n < 0 || n >= PATH_CAP ||
            (mkdir(out, 0755) != 0 && errno != EEXIST))
            return -1;
        lock = lock_tree(out);
        if (lock >= 0)
            return lock;
    }
    return -1;
}

static bool make_tree(enum tree t, uid_t uid, gid_t gid, char out[PATH_CAP],
                      int *ret_lock, bool *io_moved)
{
    char own[PATH_CAP], path[2 * PATH_CAP];
    int n, lock TS_CLEANUP(ts_fd_close) = -1;

    if (!own_folder(t, own))
        return false;
    sweep(own);
    if (t == TREE_V2)
        *io_moved = free_controllers(own);
    lock = make_locked(own, out);
    if (lock < 0)
        return false;
    if (!give_to(out, "", uid, gid) ||
        !give_to(out, "cgroup.procs", uid, gid)) {
        (void)rmdir(out);
        return false;
    }
    *ret_lock = lock;
    lock = -1; /* moved */
    if (t == TREE_V2) {
        hand_on(out);
        n = snprintf(path, sizeof(path), "%.*s/" LAUNCHERS, PATH_CAP, out);
        if (n > 0 && (size_t)n < sizeof(path))
            (void)mkdir(path, 0755);
    }
    return true;
}

static ts_err make_folder(const char *parent, struct cgroups *c)
{
    int n = snprintf(c->folder, sizeof(c->folder), "%s/cgroups", parent);

    if (n < 0 || (size_t)n >= sizeof(c->folder))
        return TS_E_LIMIT;
    if (mkdir(c->folder, 0755) != 0 && errno != EEXIST)
        return ts_err_from_errno(errno);
    (void)chmod(c->folder, 0755); /* whatever the umask is */
    c->folder_fd =
        open(c->folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return c->folder_fd >= 0 ? TS_OK : ts_err_from_errno(errno);
}

ts_err cgroups_make(const char *parent, uid_t uid, gid_t gid,
                    struct cgroups *ret)
{
    struct cgroups c = {.folder_fd = -1};
    ts_err e = make_folder(parent, &c);
    int made = 0;

    if (e != TS_OK)
        return e;
    for (int t = 0; t < CGROUPS_TREES; t++) {
        if (!make_tree((enum tree)t, uid, gid, c.trees[t], &c.locks[t],
                       &c.moved)) {
            c.trees[t][0] = '\0';
            continue;
        }
        (void)unlinkat(c.folder_fd, tree_names[t], 0);
        if (symlinkat(c.trees[t], c.folder_fd, tree_names[t]) == 0)
            made++;
    }
    if (made == 0) {
        cgroups_undo(&c);
        return TS_E_NOT_FOUND;
    }
    *ret = c;
    return TS_OK;
}

void cgroups_adopt(const struct cgroups *c, pid_t launcher)
{
    char pid[24];

    if (c->trees[TREE_V2][0] == '\0')
        return;
    (void)snprintf(pid, sizeof(pid), "%d", (int)launcher);
    (void)put(c->trees[TREE_V2], LAUNCHERS "/cgroup.procs", pid);
}

void cgroups_done(struct cgroups *c)
{
    for (int t = 0; t < CGROUPS_TREES; t++) {
        if (c->trees[t][0] != '\0') {
            sweep_one(c->trees[t]);
            ts_fd_close(&c->locks[t]);
        }
        if (c->folder_fd >= 0)
            (void)unlinkat(c->folder_fd, tree_names[t], 0);
    }
    if (c->folder_fd >= 0)
        (void)rmdir(c->folder);
    ts_fd_close(&c->folder_fd);
}

void cgroups_undo(struct cgroups *c)
{
    char here[PATH_CAP];

    cgroups_done(c);
    if (c->moved && own_folder(TREE_V2, here))
        take_back(here);
    c->moved = false;
}
