/* What a manifest would say for a run that was traced, as YAML with reasons. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/sandbox/trace.h"
#include "cli/term.h"

#define SAME_FOLDER                                                            \
    8 /* files of one folder, from which on it is named itself */

static const char *name_of(const struct trace *t, uint32_t nr)
{
    return sandbox_calls_name(&t->base[0].p->calls, sandbox_arch_native(), nr);
}

/* C libraries and interpreters take the older call when these are absent. */
static bool has_older_way(const char *name)
{
    static const char *const calls[] = {
        "clone3", "openat2", "rseq", "fchmodat2", "statx", "io_uring_setup"};

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(name, calls[i]) == 0)
            return true;
    }
    return false;
}

static const struct sandbox_hole *hole_of(const char *call)
{
    for (const struct sandbox_hole *h = sandbox_holes; h->name != NULL; h++) {
        if (strcmp(h->call, call) == 0)
            return h;
    }
    return NULL;
}

static uint32_t missing(const struct trace *t, const struct trace_base *b)
{
    uint32_t n = 0;

    for (uint32_t nr = 0; nr < SANDBOX_NR_END; nr++) {
        const char *name = b->refused[nr] ? name_of(t, nr) : NULL;

        if (b->refused[nr] && (name == NULL || !has_older_way(name)))
            n++;
    }
    return n;
}

/* The first that refuses nothing, else the one that refuses least. */
static const struct trace_base *best(const struct trace *t)
{
    const struct trace_base *b = &t->base[0];

    for (int i = 1; i < TRACE_BASES; i++) {
        if (missing(t, &t->base[i]) < missing(t, b))
            b = &t->base[i];
    }
    return b;
}

static bool ran_what_it_wrote(const struct trace *t)
{
    for (uint32_t i = 0; i < t->path_count; i++) {
        if ((t->paths[i].use & TRACE_EXEC) != 0 &&
            (t->paths[i].use & TRACE_WRITE) != 0)
            return true;
    }
    return false;
}

/* Is there a rule by arguments for it, which stays as strict as it is? */
static bool has_rule(const struct trace_base *b, uint32_t nr)
{
    return b->m.by_nr[nr] != NULL && b->m.by_nr[nr]->count > 0;
}

static void put(struct ts_str s)
{
    term_print(s);
}

static void put_c(const char *s)
{
    put(ts_str_of(s));
}

/* ---- calls --------------------------------------------------------------- */

static void print_refused(const struct trace_base *b, uint32_t nr,
                          const char *name)
{
    const struct sandbox_hole *h = hole_of(name);
    const uint64_t *a = b->sample[nr];

    (void)printf("# not proposed: %s(0x%llx, 0x%llx, 0x%llx): ", name,
                 (unsigned long long)a[0], (unsigned long long)a[1],
                 (unsigned long long)a[2]);
    if (has_older_way(name))
        (void)printf("programs take the older call without it\n");
    else if (h != NULL)
        (void)printf("%s, %s: %s\n", sandbox_severity_name(h->severity),
                     h->name, h->why);
    else
        (void)printf("profile %s allows it with other arguments only; rules by "
                     "argument stay as they are\n",
                     b->name);
}

/* Calls that are neither a hole nor bound by arguments. */
static bool is_harmless(const struct trace_base *b, uint32_t nr,
                        const char *name)
{
    return name != NULL && !has_older_way(name) && hole_of(name) == NULL &&
           !has_rule(b, nr);
}

static uint32_t count_harmless(const struct trace *t,
                               const struct trace_base *b)
{
    uint32_t n = 0;

    for (uint32_t nr = 0; nr < SANDBOX_NR_END; nr++)
        n += b->refused[nr] && is_harmless(b, nr, name_of(t, nr));
    return n;
}

static void print_not_proposed(const struct trace *t,
                               const struct trace_base *b)
{
    for (uint32_t nr = 0; nr < SANDBOX_NR_END; nr++) {
        const char *name = name_of(t, nr);

        if (b->refused[nr] && name == NULL)
            (void)printf("# not proposed: call number %u, which is not known "
                         "here\n",
                         nr);
        else if (b->refused[nr] && !is_harmless(b, nr, name))
            print_refused(b, nr, name);
    }
    if (t->foreign_arch)
        (void)printf("# not proposed: calls of another architecture or of x32 "
                     "were made; a box kills them\n");
}

static void print_profile(const struct trace *t, const struct trace_base *b)
{
    (void)printf("---\n# sandbox/traced.yaml\nname: traced\n"
                 "description: what one run needed beyond %s\n"
                 "extends: %s\nallow:\n",
                 b->name, b->name);
    for (uint32_t nr = 0; nr < SANDBOX_NR_END; nr++) {
        const char *name = name_of(t, nr);

        if (b->refused[nr] && is_harmless(b, nr, name))
            (void)printf("  - %s\n", name);
    }
}

/* ---- files --------------------------------------------------------------- */

static bool is_beneath(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* Why a path is for no tool, or NULL. */
static const char *objection(const char *path)
{
    static const struct {
        const char *folder, *why;
    } no[] = {
        {"/etc/shadow", "passwords"},
        {"/etc/gshadow", "passwords"},
        {"/etc/ssl/private", "keys"},
        {"/root", "the administrator's files"},
        {"/proc", "a full box has a /proc of its own"},
        {"/sys", "the kernel's own state"},
        {"/dev", "devices beyond null, zero and urandom"},
        {"/tmp", "a full box has a /tmp of its own; else use scratch:"},
        {"/var/tmp", "use scratch:"},
        {"/run", "sockets and state of the host"},
    };

    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        if (is_beneath(path, no[i].folder))
            return no[i].why;
    }
    return strstr(path, "/.ssh/") != NULL || strstr(path, "/.gnupg/") != NULL
               ? "keys"
               : NULL;
}

static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL || slash == path ? 1 : (size_t)(slash - path);
}

static bool same_folder(const struct trace_path *a, const struct trace_path *b)
{
    size_t n = folder_len(a->path);

    return n == folder_len(b->path) && strncmp(a->path, b->path, n) == 0;
}

/* As many files of its folder as were used in this way; *ret_first: whether it
 * is the first of them. */
static uint32_t siblings(const struct trace *t, uint32_t at, unsigned use,
                         bool *ret_first)
{
    uint32_t n = 0;

    *ret_first = true;
    for (uint32_t i = 0; i < t->path_count; i++) {
        if ((t->paths[i].use & use) == 0 ||
            !same_folder(&t->paths[i], &t->paths[at]))
            continue;
        n++;
        if (i < at)
            *ret_first = false;
    }
    return n;
}

static bool may_be_whole(const char *path)
{
    size_t n = folder_len(path);

    return n > 1 && !(n == 4 && (strncmp(path, "/etc", 4) == 0 ||
                                 strncmp(path, "/usr", 4) == 0 ||
                                 strncmp(path, "/var", 4) == 0));
}

static bool wants(const struct trace_path *p, unsigned use)
{
    if (use == TRACE_READ) /* else it stands under the stronger one */
        return (p->use & (TRACE_READ | TRACE_WRITE)) == TRACE_READ;
    return (p->use & use) != 0;
}

/* A folder that is named anyway. */
static bool is_covered(const struct trace *t, uint32_t at, unsigned use)
{
    for (uint32_t i = 0; i < t->path_count; i++) {
        if (i != at && wants(&t->paths[i], use) &&
            objection(t->paths[i].path) == NULL &&
            is_beneath(t->paths[at].path, t->paths[i].path))
            return true;
    }
    return false;
}

static void print_paths(const struct trace *t, unsigned use, const char *key)
{
    bool any = false, first;

    for (uint32_t i = 0; i < t->path_count; i++) {
        const struct trace_path *p = &t->paths[i];
        uint32_t same = siblings(t, i, use, &first);
        bool whole =
            use != TRACE_EXEC && same >= SAME_FOLDER && may_be_whole(p->path);

        if (!wants(p, use) || objection(p->path) != NULL || (whole && !first) ||
            is_covered(t, i, use))
            continue;
        if (!any)
            (void)printf("%s:\n", key);
        any = true;
        (void)printf("  - \"");
        put(whole ? (struct ts_str){p->path, folder_len(p->path)}
                  : ts_str_of(p->path));
        if (whole)
            (void)printf("\" # %u files of it\n", same);
        else
            (void)printf("\" # %s\n", p->why);
    }
}

static void print_objections(const struct trace *t)
{
    for (uint32_t i = 0; i < t->path_count; i++) {
        const char *why = objection(t->paths[i].path);

        if (why == NULL)
            continue;
        (void)printf("# not proposed: %s ",
                     (t->paths[i].use & TRACE_WRITE) != 0  ? "writing"
                     : (t->paths[i].use & TRACE_EXEC) != 0 ? "running"
                                                           : "reading");
        put_c(t->paths[i].path);
        (void)printf(": %s\n", why);
    }
}

static void print_network(const struct trace *t)
{
    bool any = false;

    for (uint32_t i = 0; i < t->host_count; i++) {
        const struct trace_host *h = &t->hosts[i];

        if (h->is_unix) {
            (void)printf("# not proposed: the UNIX socket %s: it leads to "
                         "services of the host\n",
                         h->address);
            continue;
        }
        if (h->port == 53 || h->port == 0)
            continue; /* names are the broker's to resolve */
        if (!any)
            (void)printf("network: # write the names for these addresses; see "
                         "docs/EGRESS.md for mode: proxy\n  mode: broker\n  "
                         "allow:\n");
        any = true;
        (void)printf("    - {host: \"%s\", ports: [%u]}\n", h->address,
                     h->port);
    }
}

/* ---- all of it ----------------------------------------------------------- */

static void print_head(const struct trace *t, const char *program)
{
    char real[PATH_MAX];

    (void)printf("# From one run of ");
    put_c(program);
    (void)printf(": %llu system calls, %u more processes, %u threads",
                 (unsigned long long)t->calls, t->processes, t->threads);
    if (WIFEXITED(t->status))
        (void)printf(", exit code %d", WEXITSTATUS(t->status));
    else if (WIFSIGNALED(t->status))
        (void)printf(", ended by signal %d", WTERMSIG(t->status));
    (void)printf(".\n# A run shows what a program did, not what it can do: "
                 "read this, cut it down, try it.\n");
    if (t->left_out > 0)
        (void)printf("# %llu more paths or hosts than fit are left out\n",
                     (unsigned long long)t->left_out);
    if (strchr(program, '/') == NULL || realpath(program, real) == NULL)
        (void)snprintf(real, sizeof(real), "%s", t->program);
    (void)printf("exec: \"");
    put_c(real);
    (void)printf("\"\n");
}

void trace_propose(struct trace *t, const char *program)
{
    const struct trace_base *b = best(t);
    bool own = count_harmless(t, b) > 0;
    bool builds = ran_what_it_wrote(t);

    print_head(t, program);
    if (own)
        (void)printf("seccomp: traced # below; %s lacks %u calls\n", b->name,
                     missing(t, b));
    else if (builds && strcmp(b->name, "net") != 0)
        (void)printf("seccomp: build # it ran what it had written\n");
    else
        (void)printf("seccomp: %s # %s\n", b->name, b->p->description);
    print_paths(t, TRACE_READ, "read_paths");
    print_paths(t, TRACE_WRITE, "write_paths");
    print_paths(t, TRACE_EXEC, "exec_paths");
    print_network(t);
    print_objections(t);
    print_not_proposed(t, b);
    if (own)
        print_profile(t, b);
}
