#include "cli/directory/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/admin_socket.h"
#include "cli/cmd.h"
#include "proto/base/ts_fd.h"
#include "proto/trust/id.h"
#include "sidecar/common/yaml_tree.h"

#define LOCK_STEP_MS 50
#define LOCK_STEPS   200 /* ten seconds in all */
#define SETTINGS_MAX 1048576

static bool take_tenant(struct dir_place *p, const char *name)
{
    if (!trust_id_valid(ts_str_of(name)) || strchr(name, '/') != NULL) {
        cli_error("--tenant must be the name of a tenant: one segment of "
                  "A-Z a-z 0-9 . _ @ : + = -");
        return false;
    }
    memcpy(p->tenant, name, strlen(name) + 1);
    return true;
}

/* The one folder below tenants/. */
static bool find_tenant(struct dir_place *p)
{
    const struct dirent *entry;
    char found[sizeof(p->tenant)] = "";
    size_t count = 0;
    int fd =
        openat(p->config_fd, "tenants", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

    if (d == NULL) {
        cli_error("%s/tenants: %s", p->config, strerror(errno));
        ts_fd_close(&fd);
        return false;
    }
    while ((entry = readdir(d)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        (void)snprintf(found, sizeof(found), "%.*s", TS_ID_MAX, entry->d_name);
    }
    (void)closedir(d);
    if (count == 1)
        return take_tenant(p, found);
    cli_error("%s/tenants holds %zu tenants; which one? Say --tenant NAME",
              p->config, count);
    return false;
}

static bool open_tenant(struct dir_place *p, const char *tenant)
{
    char path[TS_ID_MAX + 16];

    if (tenant != NULL ? !take_tenant(p, tenant) : !find_tenant(p))
        return false;
    (void)snprintf(path, sizeof(path), "tenants/%s", p->tenant);
    p->fd = openat(p->config_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->fd >= 0)
        return true;
    cli_error("%s/%s: %s", p->config, path, strerror(errno));
    return false;
}

bool dir_place_open(struct dir_place *p, const char *config, const char *tenant)
{
    *p = (struct dir_place){.config = config, .config_fd = -1, .fd = -1};
    p->config_fd = open(config, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->config_fd < 0) {
        cli_error("--config %s: %s; give the folder that holds tenants/",
                  config, strerror(errno));
        return false;
    }
    if (open_tenant(p, tenant))
        return true;
    dir_place_close(p);
    return false;
}

bool dir_place_lock(struct dir_place *p)
{
    for (int i = 0; i < LOCK_STEPS; i++) {
        if (flock(p->fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR) {
            cli_error("tenants/%s: cannot be locked: %s", p->tenant,
                      strerror(errno));
            return false;
        }
        (void)poll(NULL, 0, LOCK_STEP_MS);
    }
    cli_error("tenants/%s: another command has been changing this directory "
              "for %d s; try again when it is done",
              p->tenant, LOCK_STEPS * LOCK_STEP_MS / 1000);
    return false;
}

void dir_place_close(struct dir_place *p)
{
    ts_fd_close(&p->fd);
    ts_fd_close(&p->config_fd);
}

/* ---- the socket ---------------------------------------------------------- */

static bool join_socket(struct ts_arena *arena, struct ts_str run_dir,
                        const char **ret)
{
    char path[512];
    int n = snprintf(path, sizeof(path), "%.*s/admin/admin.sock",
                     (int)run_dir.len, run_dir.ptr);

    if (n > 0 && (size_t)n < sizeof(path) &&
        ts_arena_strndup(arena, path, (size_t)n, ret) == TS_OK)
        return true;
    cli_error("tipstaff.yaml: run_dir is too long; say --socket PATH");
    return false;
}

static bool read_fd(int fd, const char *name, size_t max,
                    struct ts_arena *arena, struct ts_bytes *ret);

bool dir_place_socket(const struct dir_place *p, struct ts_arena *arena,
                      const char **ret)
{
    int fd = openat(p->config_fd, "tipstaff.yaml",
                    O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct yaml_node *root = NULL;
    struct yaml_fail why = {.line = 0};
    struct ts_bytes bytes;
    struct ts_str run_dir;
    bool ok;

    *ret = ADMIN_SOCKET_DEFAULT;
    if (fd < 0 && errno == ENOENT)
        return true; /* tenants alone, as on the machine that signs */
    if (fd < 0) {
        cli_error("%s/tipstaff.yaml: %s", p->config, strerror(errno));
        return false;
    }
    ok = read_fd(fd, "tipstaff.yaml", SETTINGS_MAX, arena, &bytes);
    ts_fd_close(&fd);
    if (!ok)
        return false;
    if (yaml_tree_parse((struct ts_str){(const char *)bytes.ptr, bytes.len},
                        arena, &root, &why) != TS_OK) {
        cli_error("tipstaff.yaml:%u: %s", (unsigned)why.line, why.text);
        return false;
    }
    if (!yaml_node_str(yaml_node_find(root, "run_dir"), &run_dir))
        return true;
    return join_socket(arena, run_dir, ret);
}

/* ---- files --------------------------------------------------------------- */

/* Hidden: what lies in a tenant's folder is loaded, but for such names. Under
 * the lock there is one writer, so one name is enough and nothing piles up. */
static void prepared_name(char out[64], const char *name)
{
    (void)snprintf(out, 64, ".%s.new", name);
}

static bool complain(const struct dir_place *p, const char *name)
{
    cli_error("%s/tenants/%s/%s: %s", p->config, p->tenant, name,
              strerror(errno));
    return false;
}

bool dir_file_prepare(const struct dir_place *p, const char *name,
                      struct ts_bytes bytes)
{
    char hidden[64];
    int fd;
    bool ok;

    prepared_name(hidden, name);
    (void)unlinkat(p->fd, hidden, 0); /* of one that was interrupted */
    fd = openat(p->fd, hidden,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return complain(p, hidden);
    /* for everybody: nothing in it is secret, and its signature guards it */
    ok = ts_fd_write_all(fd, bytes.ptr, bytes.len) == TS_OK &&
         fchmod(fd, 0644) == 0 && fsync(fd) == 0;
    if (!ok) {
        (void)complain(p, hidden);
        (void)unlinkat(p->fd, hidden, 0);
    }
    ts_fd_close(&fd);
    return ok;
}

bool dir_file_commit(const struct dir_place *p, const char *name)
{
    char hidden[64];

    prepared_name(hidden, name);
    if (renameat(p->fd, hidden, p->fd, name) != 0) {
        (void)complain(p, name);
        return false;
    }
    return fsync(p->fd) == 0 || complain(p, name);
}

void dir_file_abandon(const struct dir_place *p, const char *name)
{
    char hidden[64];

    prepared_name(hidden, name);
    (void)unlinkat(p->fd, hidden, 0); /* nothing depends on it */
}

static bool read_fd(int fd, const char *name, size_t max,
                    struct ts_arena *arena, struct ts_bytes *ret)
{
    struct stat st;
    size_t cap, n;
    void *to;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        cli_error("%s: not a regular file", name);
        return false;
    }
    if (st.st_size < 0 || (uint64_t)st.st_size > max) {
        cli_error("%s: more than %zu bytes", name, max);
        return false;
    }
    cap = (size_t)st.st_size + 1;
    if (ts_arena_alloc(arena, cap, &to) != TS_OK) {
        cli_error("%s: out of memory", name);
        return false;
    }
    if (ts_fd_read_all(fd, to, cap, &n) != TS_OK) {
        cli_error("%s: %s", name, strerror(errno));
        return false;
    }
    if (n == cap) {
        cli_error("%s: changed while it was read", name);
        return false;
    }
    *ret = (struct ts_bytes){to, n};
    return true;
}

enum dir_read dir_file_read(const struct dir_place *p, const char *name,
                            size_t max, struct ts_arena *arena,
                            struct ts_bytes *ret)
{
    /* not blocking: a FIFO must not hang us */
    int fd = openat(p->fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool ok;

    if (fd < 0 && errno == ENOENT)
        return DIR_READ_NONE;
    if (fd < 0) {
        (void)complain(p, name);
        return DIR_READ_FAILED;
    }
    ok = read_fd(fd, name, max, arena, ret);
    ts_fd_close(&fd);
    return ok ? DIR_READ_OK : DIR_READ_FAILED;
}

enum dir_read dir_file_read_prepared(const struct dir_place *p,
                                     const char *name, size_t max,
                                     struct ts_arena *arena,
                                     struct ts_bytes *ret)
{
    char hidden[64];

    prepared_name(hidden, name);
    return dir_file_read(p, hidden, max, arena, ret);
}
