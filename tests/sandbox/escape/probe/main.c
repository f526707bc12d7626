#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 5 /* for one probe */

static struct {
    char text[8192];
    const char *value[128];
} facts;

static const struct area *const areas[] = {
    &area_fs,        &area_write,   &area_process,  &area_state,
    &area_tty_keys,  &area_kernel,  &area_guess,    &area_privilege,
    &area_namespace, &area_network, &area_unix,     &area_leaks,
    &area_exec,      &area_memory,  &area_ipc,      &area_limits,
    &area_recent,    &area_walk,    &area_metadata,
};
#define AREAS (sizeof(areas) / sizeof(areas[0]))

const char *fact(char key)
{
    const char *v = key > 0 ? facts.value[(int)key] : NULL;

    return v != NULL ? v : "";
}

long fact_number(char key)
{
    return strtol(fact(key), NULL, 0);
}

const char *expand(const char *text)
{
    static char ring[4][512];
    static unsigned next;
    char *out = ring[next++ % 4];
    size_t at = 0;

    for (; *text != '\0' && at + 1 < sizeof(ring[0]); text++) {
        if (*text == '@' && text[1] != '\0') {
            int n =
                snprintf(out + at, sizeof(ring[0]) - at, "%s", fact(*++text));

            at += n > 0 ? (size_t)n : 0;
        } else {
            out[at++] = *text;
        }
    }
    out[at < sizeof(ring[0]) ? at : sizeof(ring[0]) - 1] = '\0';
    return out;
}

const char *scratch(const char *name)
{
    static char path[4][512];
    static unsigned next;
    const char *dir = getenv("TMPDIR");
    char *out = path[next++ % 4];

    if (*fact('S') != '\0')
        dir = fact('S');
    (void)snprintf(out, sizeof(path[0]), "%s/escape-%s-%s",
                   dir != NULL ? dir : "/tmp", name, fact('W'));
    return out;
}

struct result allowed(void)
{
    return (struct result){.verdict = ALLOWED};
}

struct result stopped(int err)
{
    return (struct result){.verdict = STOPPED, .err = err};
}

struct result noted(struct result r, const char *note)
{
    (void)snprintf(r.note, sizeof(r.note), "%s", note);
    return r;
}

struct result unsure(const char *note)
{
    return noted((struct result){.verdict = UNSURE, .err = errno}, note);
}

struct result by(long rc)
{
    return rc >= 0 ? allowed() : stopped(errno);
}

struct result reached(long rc)
{
    struct result r = allowed();

    if (rc >= 0)
        return r;
    if (errno == EPERM || errno == EACCES || errno == ENOSYS)
        return stopped(errno);
    r.err = errno;
    return r;
}

struct result open_path(const struct probe *p)
{
    return by(open(expand(p->text), (int)p->nr | O_CLOEXEC | O_NONBLOCK));
}

struct result file_has(const struct probe *p)
{
    char line[1024], word[300];
    FILE *f = fopen(expand(p->text), "re");

    if (f == NULL)
        return stopped(errno);
    if (p->arg[0] != 0)
        (void)snprintf(word, sizeof(word), ":%04lX",
                       (unsigned long)fact_number((char)p->nr));
    else
        (void)snprintf(word, sizeof(word), "%s", fact((char)p->nr));
    while (fgets(line, sizeof(line), f) != NULL)
        if (strstr(line, word) != NULL)
            return allowed();
    return noted(stopped(0), "shows its own world");
}

static long call(const struct probe *p, long first)
{
    return syscall(p->nr, first, p->arg[1], p->arg[2], p->arg[3], p->arg[4],
                   p->arg[5]);
}

struct result call_by(const struct probe *p)
{
    return by(call(p, p->arg[0]));
}

struct result call_reached(const struct probe *p)
{
    return reached(call(p, p->arg[0]));
}

struct result call_on_fact(const struct probe *p)
{
    return by(call(p, strtol(expand(p->text), NULL, 0)));
}

/* No such process is an answer that a box gives, too. */
struct result call_on_fact_reached(const struct probe *p)
{
    long rc = call(p, strtol(expand(p->text), NULL, 0));

    return rc < 0 && errno == ESRCH ? stopped(ESRCH) : reached(rc);
}

static void say(const struct probe *p, const struct result *r)
{
    static const char *const names[] = {"STOPPED", "ALLOWED", "UNSURE"};
    const char *err = r->err != 0 ? strerrorname_np(r->err) : "-";

    (void)printf("%s\t%s\t%s\t%s\n", p->name, names[r->verdict],
                 err != NULL ? err : "?", r->note[0] != '\0' ? r->note : "-");
    (void)fflush(stdout);
}

static struct result from_status(int status)
{
    char note[32];
    int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    (void)snprintf(note, sizeof(note), sig != 0 ? "signal %d" : "exit %d",
                   sig != 0 ? sig : WEXITSTATUS(status));
    errno = 0;
    if (sig == SIGSYS || sig == SIGKILL || sig == SIGXFSZ)
        return noted(stopped(0), note);
    return unsure(note);
}

static struct result in_child(const struct probe *p)
{
    struct result r;
    int pipe_fd[2], status = 0;
    pid_t pid;

    if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) != 0)
        return unsure("no pipe");
    pid = fork();
    if (pid == 0) {
        (void)alarm(SECONDS);
        r = p->run(p);
        _exit(write(pipe_fd[1], &r, sizeof(r)) == (ssize_t)sizeof(r) ? 0 : 9);
    }
    (void)close(pipe_fd[1]);
    if (pid < 0) {
        r = unsure("no child");
    } else {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (read(pipe_fd[0], &r, sizeof(r)) != (ssize_t)sizeof(r))
            r = from_status(status);
    }
    (void)close(pipe_fd[0]);
    return r;
}

static void list(void)
{
    for (size_t a = 0; a < AREAS; a++)
        for (size_t i = 0; i < areas[a]->count; i++)
            (void)printf("%s\t%s\n", areas[a]->probes[i].name,
                         areas[a]->probes[i].what);
}

static void take_facts(const char *text)
{
    char *save = NULL;

    (void)snprintf(facts.text, sizeof(facts.text), "%s", text);
    for (char *w = strtok_r(facts.text, ";", &save); w != NULL;
         w = strtok_r(NULL, ";", &save))
        if (w[0] > 0 && w[1] == '=')
            facts.value[(int)w[0]] = w + 2;
}

int main(int argc, char **argv)
{
    const char *only = argc > 2 ? argv[2] : NULL;
    struct result r;

    if (argc < 1) { /* exec.argc0 came back */
        return 70;
    }
    if (argc < 2)
        return 71; /* exec.* looks for this */
    if (strcmp(argv[1], "--list") == 0) {
        list();
        return 0;
    }
    take_facts(argv[1]);
    for (size_t a = 0; a < AREAS; a++) {
        for (size_t i = 0; i < areas[a]->count; i++) {
            const struct probe *p = &areas[a]->probes[i];

            if (only != NULL && strcmp(only, p->name) != 0)
                continue;
            r = only != NULL ? p->run(p) : in_child(p);
            say(p, &r);
        }
    }
    return 0;
}
