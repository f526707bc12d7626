#include "sidecar/launcher/space/space.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/launcher/layers/landlock.h"
#include "sidecar/launcher/space/helper.h"
#include "sidecar/launcher/space/plan.h"
#include "sidecar/launcher/space/template.h"

#define SET_BUDGET ((size_t)128 << 20)
#define PATH_CAP   4096
#define WHY_MAX    640
#define OURS_MAX   16 /* what every plan gets beside the manifest's paths */

struct space_set {
    struct ts_arena arena;
    struct space_template *templates;
    struct space_plan *plans; /* of the template of the same index */
    uint64_t *hashes;
    uint32_t count;
    struct space_box *boxes; /* of the wants */
    uint32_t *of;            /* template of each want, or NO_TEMPLATE */
    uint32_t box_count;
    int etc_fd, dev_fd; /* owned, for all templates */
    struct plan_input ours[OURS_MAX];
    uint32_t our_count;
    struct plan_input certs[OURS_MAX]; /* with a network */
    uint32_t cert_count;
};
#define NO_TEMPLATE UINT32_MAX

/* Of this host; a missing one is left out. */
static const char *const tops[] = {"/usr",   "/bin",   "/sbin",  "/lib",
                                   "/lib32", "/lib64", "/libx32"};
static const char *const cert_folders[] = {
    "/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates"};

/* Where fd is, without links. */
static ts_err real_path(struct ts_arena *a, int fd, const char **ret)
{
    char self[40], buf[PATH_CAP];
    ssize_t n;

    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    n = readlink(self, buf, sizeof(buf));
    if (n < 0)
        return ts_err_from_errno(errno);
    if ((size_t)n == sizeof(buf))
        return TS_E_LIMIT;
    return ts_arena_strndup(a, buf, (size_t)n, ret);
}

static ts_err describe(struct ts_arena *a, const char *path, int fd,
                       uint32_t flags, uint32_t from, struct plan_input *ret)
{
    struct plan_input i = {.path = path, .flags = flags, .from = from};
    struct stat st;
    ts_err e;

    if (fstat(fd, &st) != 0)
        return ts_err_from_errno(errno);
    e = real_path(a, fd, &i.real);
    if (e != TS_OK)
        return e;
    i.dev = st.st_dev;
    i.ino = st.st_ino;
    i.is_dir = S_ISDIR(st.st_mode);
    *ret = i;
    return TS_OK;
}

static ts_err describe_ours(struct ts_arena *a, const char *const *paths,
                            size_t count, struct plan_input *out,
                            uint32_t *ret_count)
{
    uint32_t n = 0;

    for (size_t k = 0; k < count; k++) {
        int fd = open(paths[k], O_PATH | O_DIRECTORY | O_CLOEXEC);
        ts_err e;

        if (fd < 0)
            continue;
        e = describe(a, paths[k], fd, SPACE_READ, PLAN_OURS, &out[n++]);
        ts_fd_close(&fd);
        if (e != TS_OK)
            return e;
    }
    *ret_count = n;
    return TS_OK;
}

static void say(struct space_set *s, struct space_box *box, const char *path,
                const char *what)
{
    char text[WHY_MAX];
    const char *copy = "out of memory";
    int n = path != NULL
                ? snprintf(text, sizeof(text), "%.400s: %s", path, what)
                : snprintf(text, sizeof(text), "%s", what);

    if (n > 0)
        (void)!ts_arena_strndup(&s->arena, text, strnlen(text, sizeof(text)),
                                &copy);
    box->space = NULL;
    box->path = path;
    box->why = copy;
}

static ts_err find_program(struct space_set *s, const struct space_want *w,
                           struct space_box *box)
{
    struct stat st;
    ts_err e;

    box->cwd = "/";
    if (w->cwd_fd >= 0 &&
        (e = real_path(&s->arena, w->cwd_fd, &box->cwd)) != TS_OK)
        return e;
    if (w->program_fd < 0)
        return TS_OK;
    if (fstat(w->program_fd, &st) != 0)
        return ts_err_from_errno(errno);
    box->program_dev = st.st_dev;
    box->program_ino = st.st_ino;
    return real_path(&s->arena, w->program_fd, &box->program);
}

static ts_err gather(struct space_set *s, const struct space_want *w,
                     struct plan_input **ret, uint32_t *ret_count,
                     uint32_t *reterr_which)
{
    uint32_t n = 0;
    struct plan_input *in;
    void *p;
    ts_err e;

    if (w->path_count > SPACE_PATHS_MAX)
        return TS_E_LIMIT;
    e = ts_arena_array(&s->arena, (size_t)w->path_count + (size_t)2 * OURS_MAX,
                       sizeof(*in), &p);
    if (e != TS_OK)
        return e;
    in = p;
    for (uint32_t i = 0; i < s->our_count; i++)
        in[n++] = s->ours[i];
    for (uint32_t i = 0; w->network && i < s->cert_count; i++)
        in[n++] = s->certs[i];
    for (uint32_t i = 0; i < w->path_count; i++) {
        const char *path;

        *reterr_which = i;
        e = ts_arena_strndup(&s->arena, w->paths[i].path,
                             strlen(w->paths[i].path), &path);
        if (e == TS_OK)
            e = describe(&s->arena, path, w->paths[i].fd, w->paths[i].flags, i,
                         &in[n++]);
        if (e != TS_OK)
            return e;
    }
    *ret = in;
    *ret_count = n;
    return TS_OK;
}

/* An equal plan's template, or a new one. */
static uint32_t assign(struct space_set *s, const struct space_plan *p)
{
    uint64_t hash = plan_hash(p);

    for (uint32_t i = 0; i < s->count; i++) {
        if (s->hashes[i] == hash && plan_equal(&s->plans[i], p))
            return i;
    }
    s->hashes[s->count] = hash;
    s->plans[s->count] = *p;
    return s->count++;
}

/* The child opens these without following a link. */
static ts_err move_names(struct space_set *s, const struct space_plan *p,
                         struct space_box *box)
{
    ts_err e = plan_inside(&s->arena, p, box->cwd, &box->cwd);

    return e != TS_OK || box->program == NULL
               ? e
               : plan_inside(&s->arena, p, box->program, &box->program);
}

/* TS_OK also for a tool that cannot have a box: it says so. */
static ts_err plan_one(struct space_set *s, const struct space_want *w,
                       uint32_t index)
{
    struct space_box *box = &s->boxes[index];
    struct plan_input *in;
    struct space_plan p;
    const char *why = "";
    uint32_t count, which = PLAN_OURS;
    ts_err e;

    s->of[index] = NO_TEMPLATE;
    e = gather(s, w, &in, &count, &which);
    if (e == TS_OK)
        e = find_program(s, w, box);
    if (e == TS_OK) {
        e = plan_make(&s->arena, in, count, &p, &why, &which);
        if (e == TS_OK) {
            s->of[index] = assign(s, &p);
            return move_names(s, &p, box);
        }
    } else {
        why = ts_err_text(e);
    }
    if (e == TS_E_NOMEM)
        return e;
    say(s, box, which < w->path_count ? w->paths[which].path : NULL,
        e == TS_E_INVALID ? why : ts_err_text(e));
    return TS_OK;
}

static ts_err set_new(const struct space_want *wants, uint32_t count,
                      struct space_set **ret)
{
    struct space_set *s = ts_mem_alloc(sizeof(*s));
    void *t, *p, *h, *b, *o;
    ts_err e;

    if (s == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&s->arena, SET_BUDGET);
    s->etc_fd = s->dev_fd = -1;
    if ((e = ts_arena_array(&s->arena, (size_t)count + 1, sizeof(*s->templates),
                            &t)) != TS_OK ||
        (e = ts_arena_array(&s->arena, (size_t)count + 1, sizeof(*s->plans),
                            &p)) != TS_OK ||
        (e = ts_arena_array(&s->arena, (size_t)count + 1, sizeof(*s->hashes),
                            &h)) != TS_OK ||
        (e = ts_arena_array(&s->arena, (size_t)count + 1, sizeof(*s->boxes),
                            &b)) != TS_OK ||
        (e = ts_arena_array(&s->arena, (size_t)count + 1, sizeof(*s->of),
                            &o)) != TS_OK)
        goto fail;
    s->templates = t;
    s->plans = p;
    s->hashes = h;
    s->boxes = b;
    s->of = o;
    s->box_count = count;
    if ((e = describe_ours(&s->arena, tops, sizeof(tops) / sizeof(tops[0]),
                           s->ours, &s->our_count)) != TS_OK ||
        (e = describe_ours(&s->arena, cert_folders,
                           sizeof(cert_folders) / sizeof(cert_folders[0]),
                           s->certs, &s->cert_count)) != TS_OK)
        goto fail;
    for (uint32_t i = 0; i < count; i++) {
        if ((e = plan_one(s, &wants[i], i)) != TS_OK)
            goto fail;
    }
    *ret = s;
    return TS_OK;
fail:
    ts_arena_done(&s->arena);
    ts_mem_free(s);
    return e;
}

static void add_rule(struct space_template *t, int fd, uint64_t access,
                     bool is_tmp)
{
    t->rules[t->rule_count++] =
        (struct space_rule){.fd = fd, .access = access, .is_tmp = is_tmp};
}

static void keep(struct space_set *s, uint32_t index, const int fds[HELPER_FDS])
{
    struct space_template *t = &s->templates[index];

    t->mnt_ns = fds[0];
    t->inner = s->plans[index].inner;
    t->inner_count = s->plans[index].inner_count;
    t->rule_count = 0;
    add_rule(t, fds[1], LL_READ_WRITE, true);
    add_rule(t, fds[2], LL_READ_ONLY, false);
    add_rule(t, s->etc_fd, LL_READ_ONLY, false);
    add_rule(t, s->dev_fd, LL_READ_ONLY | LL_WRITE_FILE | LL_TRUNCATE, false);
}

/* A note counts the paths of the tool that the plan was made of: the first. */
static const char *path_of(const struct space_set *s,
                           const struct space_want *wants,
                           const struct helper_note *n)
{
    for (uint32_t i = 0; i < s->box_count; i++) {
        if (s->of[i] == n->index)
            return n->from < wants[i].path_count ? wants[i].paths[n->from].path
                                                 : NULL;
    }
    return NULL;
}

/* The tools that would have shared it. Each has a path of that name. */
static void mourn(struct space_set *s, const struct space_want *wants,
                  const struct helper_note *n)
{
    const char *path = path_of(s, wants, n);
    char text[160];

    for (uint32_t i = 0; i < s->box_count; i++) {
        if (s->of[i] != n->index)
            continue;
        if (strcmp(n->step, "link") == 0)
            (void)snprintf(text, sizeof(text),
                           "it is a link that cannot be shown in a full box; "
                           "name what it leads to");
        else if (n->err == ESTALE || n->err == ENOENT)
            (void)snprintf(text, sizeof(text),
                           "it was replaced while it was opened; reload the "
                           "configuration if that was meant");
        else
            (void)snprintf(text, sizeof(text),
                           "it could not be put into a full box: %s: %s",
                           helper_step_text(n), strerror(n->err));
        say(s, &s->boxes[i], path, text);
        s->of[i] = NO_TEMPLATE;
    }
}

static ts_err hear_base(struct space_set *s, const struct helper *h,
                        const char **reterr_step, int *reterr_errno)
{
    struct helper_note n = {0};
    int fds[HELPER_FDS];
    ts_err e = helper_hear(h, &n, fds);

    *reterr_step = "helper";
    *reterr_errno = ECHILD;
    if (e != TS_OK)
        return e;
    if (n.err != 0) {
        *reterr_step = helper_step_text(&n);
        *reterr_errno = n.err;
        return ts_err_from_errno(n.err);
    }
    s->etc_fd = fds[0];
    s->dev_fd = fds[1];
    return TS_OK;
}

static void hear_templates(struct space_set *s, const struct helper *h,
                           const struct space_want *wants)
{
    struct helper_note n = {0};
    int fds[HELPER_FDS];
    uint32_t next = 0;

    for (; next < s->count && helper_hear(h, &n, fds) == TS_OK; next++) {
        TS_REQUIRE(n.index == next); /* they are made in this order */
        if (n.err == 0)
            keep(s, next, fds);
        else
            mourn(s, wants, &n);
    }
    for (; next < s->count; next++) { /* it died: out of memory, most likely */
        n = (struct helper_note){
            .index = next, .err = ECHILD, .from = PLAN_OURS};
        mourn(s, wants, &n);
    }
}

ts_err space_build(const struct space_builder *b,
                   const struct space_want *wants, uint32_t count,
                   struct space_set **ret, const char **reterr_step,
                   int *reterr_errno)
{
    struct template_job job = {.b = b};
    struct space_set *s;
    struct helper h;
    ts_err e;

    *reterr_step = "memory";
    *reterr_errno = ENOMEM;
    if ((e = set_new(wants, count, &s)) != TS_OK)
        return e;
    for (uint32_t i = 0; i < s->count; i++)
        s->templates[i].mnt_ns = -1;
    job.plans = s->plans;
    job.count = s->count;
    *reterr_step = "helper";
    e = helper_start(&b->key, template_helper, &job, &h);
    *reterr_errno = errno;
    if (e == TS_OK) {
        e = hear_base(s, &h, reterr_step, reterr_errno);
        if (e == TS_OK)
            hear_templates(s, &h, wants);
        helper_end(&h);
    }
    if (e != TS_OK) {
        space_set_free(s);
        return e;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (s->of[i] != NO_TEMPLATE)
            s->boxes[i].space = &s->templates[s->of[i]];
    }
    *ret = s;
    return TS_OK;
}

const struct space_box *space_box_of(const struct space_set *s, uint32_t index)
{
    return &s->boxes[index];
}

uint32_t space_template_count(const struct space_set *s)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->count; i++)
        n += s->templates[i].mnt_ns >= 0 ? 1 : 0;
    return n;
}

void space_set_free(struct space_set *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->count; i++) {
        struct space_template *t = &s->templates[i];

        if (t->rule_count > 1) { /* the others are the set's */
            ts_fd_close(&t->rules[0].fd);
            ts_fd_close(&t->rules[1].fd);
        }
        ts_fd_close(&t->mnt_ns);
    }
    ts_fd_close(&s->etc_fd);
    ts_fd_close(&s->dev_fd);
    ts_arena_done(&s->arena);
    ts_mem_free(s);
}
