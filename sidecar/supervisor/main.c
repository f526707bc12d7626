/* tipstaffd: reads its options and its environment, then supervises. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/confine/confine.h"
#include "sidecar/common/log.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/supervisor/config.h"
#include "sidecar/supervisor/supervise.h"

#define DEFAULT_CONFIG "/etc/tipstaff"
#define CONFIG_FILE    "tipstaff.yaml"
#define LISTEN_FDS_AT  3 /* sd_listen_fds(3) */
#define KEY_FOREGROUND 0x100
#define KEY_CHECK      0x101
#define KEY_LIBEXEC    0x102
#define KEY_INIT_STATE 0x103

struct options {
    const char *config, *libexec;
    bool check, init_state;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case 'c':
        o->config = arg;
        return 0;
    case KEY_LIBEXEC:
        o->libexec = arg;
        return 0;
    case KEY_CHECK:
        o->check = true;
        return 0;
    case KEY_INIT_STATE:
        o->init_state = true;
        return 0;
    case ARGP_KEY_END:
        if (o->check && o->init_state)
            argp_error(state, "--check touches no state; leave --init-state "
                              "to the start");
        return 0;
    case KEY_FOREGROUND:
        return 0; /* there is no other way to run */
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument \"%s\"", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"config", 'c', "PATH", 0,
     "Configuration directory, or the tipstaff.yaml in it (" DEFAULT_CONFIG ")",
     0},
    {"check", KEY_CHECK, NULL, 0,
     "Let the real gate and launcher load key, policies, tenants and tools, "
     "say "
     "what is wrong, and end; touches neither sockets nor log",
     0},
    {"init-state", KEY_INIT_STATE, NULL, 0,
     "Begin a new journal where one was before and is gone: revocations and "
     "used-up calls that only it knew are forgotten",
     0},
    {"libexec", KEY_LIBEXEC, "DIR", 0,
     "Where tipstaff-gate, tipstaff-recorder and tipstaff-launcher are (the "
     "directory of tipstaffd)",
     0},
    {"foreground", KEY_FOREGROUND, NULL, 0,
     "Stay in the foreground; it always does", 0},
    {0}};

static const char doc[] =
    "Mediates the tool calls of AI agents: verifies, decides, records, runs."
    "\v"
    "Examples:\n"
    "  tipstaffd                          the installed service\n"
    "  tipstaffd --config ./demo          an instance of your own\n"
    "  tipstaffd --config ./demo --check  is the configuration right?\n"
    "\n"
    "SIGHUP loads tools/ and tenants/ again; a mistake in them keeps the old "
    "ones. SIGTERM ends in good order. Exit code 78: the configuration is "
    "wrong; 1: the service could not go on.";

/* The directory, and the file's name in it. */
static bool open_config(const char *given, char *dir, const char **ret_file,
                        int *ret_fd)
{
    struct stat st;
    char *slash;
    int n = snprintf(dir, PATH_MAX, "%s", given);

    *ret_file = CONFIG_FILE;
    if (n < 0 || n >= PATH_MAX || stat(given, &st) != 0) {
        log_event(LOG_ERROR,
                  "config_missing path=%s text=\"%s; `tipstaff init "
                  "DIR` writes a complete configuration\"",
                  given, strerror(errno));
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        slash = strrchr(dir, '/');
        *ret_file = slash == NULL ? given : given + (slash - dir) + 1;
        if (slash == NULL)
            (void)snprintf(dir, PATH_MAX, ".");
        else
            *(slash == dir ? slash + 1 : slash) = '\0';
    }
    *ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret_fd < 0)
        log_event(LOG_ERROR, "config_missing path=%s text=\"%s\"", dir,
                  strerror(errno));
    return *ret_fd >= 0;
}

/* Beside this very program, unless told otherwise. Absolute, since the
 * processes start in "/". */
static bool open_libexec(const char *given, char *dir, int *ret_fd)
{
    char self[PATH_MAX];
    char *slash;

    if (given == NULL) {
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        if (n <= 0)
            return false;
        self[n] = '\0';
        slash = strrchr(self, '/');
        if (slash == NULL)
            return false;
        *(slash == self ? slash + 1 : slash) = '\0';
        given = self;
    }
    if (realpath(given, dir) == NULL)
        return false;
    *ret_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd >= 0;
}

/* What can be said without starting anything, for the number of files. */
static int check_files(int config_dir, const struct config *c)
{
    const struct manifest_facts facts = {.has_broker = c->egress.on,
                                         .has_token_key = c->token_key != NULL,
                                         .most = c->sandbox.most};
    char text[CONTROL_TEXT_MAX] = "";
    int fd TS_CLEANUP(ts_fd_close) = -1;
    struct manifests *m = NULL;
    struct bundle b = {0};
    ts_err e = bundle_collect(config_dir, &fd, text, sizeof(text));

    if (e == TS_OK)
        e = bundle_open(fd, &b);
    if (e == TS_OK)
        e = manifests_load(&b, &facts, 1, &m, text, sizeof(text));
    if (e != TS_OK)
        (void)fprintf(stderr, "tipstaffd: %s\n",
                      text[0] != '\0' ? text : ts_err_text(e));
    for (uint32_t i = 0; e == TS_OK && i < m->refused_count; i++)
        (void)fprintf(stderr, "tipstaffd: %s\n", m->refused[i].text.ptr);
    if (e == TS_OK && m->refused_count > 0)
        e = TS_E_INVALID; /* the service would serve the others */
    if (e == TS_OK)
        (void)printf("tipstaff.yaml, %u tools, %zu files: readable\n", m->count,
                     b.count);
    manifests_free(m);
    bundle_done(&b);
    return e == TS_OK ? EXIT_SERVED : EXIT_CONFIG;
}

static int check(const struct supervise_how *how)
{
    int code = check_files(how->config_dir, how->config);

    if (code == EXIT_SERVED)
        code = supervise_check(how);
    if (code == EXIT_SERVED)
        (void)printf("launcher and gate loaded them: no mistake found\n");
    return code;
}

static int serve_with(const struct config *c, const char *file, int config_dir,
                      const struct options *o)
{
    char libexec[PATH_MAX];
    int libexec_dir TS_CLEANUP(ts_fd_close) = -1;
    struct supervise_how how = {.config = c,
                                .config_file = file,
                                .config_dir = config_dir,
                                .libexec = libexec,
                                .listen = {.pid = getenv("LISTEN_PID"),
                                           .fds = getenv("LISTEN_FDS"),
                                           .names = getenv("LISTEN_FDNAMES"),
                                           .self = getpid(),
                                           .first_fd = LISTEN_FDS_AT},
                                .notify_socket = getenv("NOTIFY_SOCKET"),
                                .watchdog_usec = getenv("WATCHDOG_USEC"),
                                .watchdog_pid = getenv("WATCHDOG_PID"),
                                .credentials = getenv("CREDENTIALS_DIRECTORY"),
                                .init_state = o->init_state};

    if (!open_libexec(o->libexec, libexec, &libexec_dir)) {
        log_event(LOG_ERROR, "libexec_missing text=\"the directory of the "
                             "programs cannot be opened; see --libexec\"");
        return EXIT_BROKEN;
    }
    how.libexec_dir = libexec_dir;
    return o->check ? check(&how) : supervise(&how);
}

int main(int argc, char **argv)
{
    static const struct argp parser = {option_list, on_option, NULL, doc,
                                       NULL,        NULL,      NULL};
    struct options o = {.config = DEFAULT_CONFIG};
    char dir[PATH_MAX], text[CONFIG_ERR_MAX] = "";
    const char *file = NULL, *step = "";
    int config_dir TS_CLEANUP(ts_fd_close) = -1;
    struct config c = {0};
    int code;

    log_init("tipstaffd", LOG_INFO);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("tipstaffd " TIPSTAFF_VERSION);
        return EXIT_SERVED;
    }
    if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
        return EXIT_CONFIG;
    if (confine_self(CONFINE_SUPERVISOR, 0, &step) != TS_OK) {
        log_event(LOG_ERROR, "confinement_failed step=\"%s\"", step);
        return EXIT_BROKEN;
    }
    if (!open_config(o.config, dir, &file, &config_dir))
        return EXIT_CONFIG;
    if (config_load(config_dir, file, geteuid(), &c, text) != TS_OK) {
        log_event(LOG_ERROR, "configuration_refused text=\"%s\"", text);
        return EXIT_CONFIG;
    }
    log_init("tipstaffd", c.log_level);
    code = serve_with(&c, file, config_dir, &o);
    config_done(&c);
    return code;
}
