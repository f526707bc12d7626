/* approvals: of tipstaff.yaml. */
#include "sidecar/supervisor/config_hook.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sidecar/common/program_file.h"

#define TIMEOUT_MS 10000
#define PARALLEL   4
#define MINUTE     30

/* Texts of a list, each at most CONTROL_HOOK_BYTES, without NUL. */
static uint32_t texts(struct config_reader *r, const char *key, uint32_t max,
                      struct ts_str *to)
{
    const struct yaml_node *list =
        r->map == NULL ? NULL : yaml_node_find(r->map, key);
    uint32_t n = 0;

    if (list == NULL || r->error != TS_OK)
        return 0;
    if (list->kind != YAML_KIND_LIST || list->count > max) {
        config_fail(r, list, "%s must be a list of at most %u texts", key, max);
        return 0;
    }
    for (const struct yaml_node *i = list->first;
         r->error == TS_OK && i != NULL; i = i->next) {
        struct ts_str s = {0};
        const char *copy = NULL;

        if (!yaml_node_str(i, &s) ||
            (s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL)) {
            config_fail(r, i, "%s must be a list of texts; quote numbers", key);
            return 0;
        }
        r->error = ts_arena_strndup(r->arena, s.ptr, s.len, &copy);
        to[n++] = (struct ts_str){copy, s.len};
    }
    return n;
}

static void read_exec(struct config_reader *r, uid_t euid,
                      struct control_hook *h)
{
    const struct yaml_node *n = yaml_node_find(r->map, "exec");
    char text[PROGRAM_FILE_TEXT] = "", shown[128];
    const char *exec = NULL;

    if (n == NULL) {
        config_fail(r, r->map,
                    "on_pending needs exec, the absolute path of the program");
        return;
    }
    config_text(r, "exec", &exec);
    if (r->error != TS_OK)
        return;
    h->exec = ts_str_of(exec);
    if (program_file_check(exec, euid, text))
        return;
    (void)ts_str_escape(shown, sizeof(shown), exec, h->exec.len);
    config_fail(r, n, "exec %s: %s", shown, text);
}

static void check_dirs(struct config_reader *r, const struct control_hook *h)
{
    for (uint32_t i = 0; i < h->dir_count && r->error == TS_OK; i++) {
        struct stat st;

        if (h->dirs[i].len < 2 || h->dirs[i].ptr[0] != '/' ||
            stat(h->dirs[i].ptr, &st) != 0 || !S_ISDIR(st.st_mode))
            config_fail(r, yaml_node_find(r->map, "write"),
                        "write must name folders that are there, by absolute "
                        "paths; make them, and give them to the hook's user");
    }
}

static void read_hook(struct config_reader *r, uid_t euid, struct config *c)
{
    static const char *const known[] = {
        "exec",         "args",       "write", "timeout_ms",
        "max_parallel", "per_minute", NULL};
    struct control_hook *h = &c->hook.how;
    size_t bytes;

    if (euid != 0) {
        config_fail(r, r->map,
                    "on_pending needs a user of its own for the command, and "
                    "so a service that is started as root; otherwise run "
                    "`tipstaff approvals watch --json` as another user");
        return;
    }
    config_keys(r, known);
    read_exec(r, euid, h);
    h->arg_count = texts(r, "args", CONTROL_HOOK_ARGS, h->args);
    h->dir_count = texts(r, "write", CONTROL_HOOK_DIRS, h->dirs);
    check_dirs(r, h);
    h->timeout_ms =
        config_number(r, "timeout_ms", 1, CONTROL_HOOK_TIMEOUT_MAX, TIMEOUT_MS);
    h->parallel = (uint32_t)config_number(r, "max_parallel", 1,
                                          CONTROL_HOOK_PARALLEL_MAX, PARALLEL);
    h->per_minute = (uint32_t)config_number(r, "per_minute", 1,
                                            CONTROL_HOOK_MINUTE_MAX, MINUTE);
    bytes = h->exec.len;
    for (uint32_t i = 0; i < h->arg_count; i++)
        bytes += h->args[i].len;
    for (uint32_t i = 0; i < h->dir_count; i++)
        bytes += h->dirs[i].len;
    if (r->error == TS_OK && bytes > CONTROL_HOOK_BYTES)
        config_fail(r, r->map, "exec, args and write are longer than %d bytes",
                    CONTROL_HOOK_BYTES);
    c->hook.on = r->error == TS_OK;
}

void config_hook(struct config_reader *r, uid_t euid, struct config *c)
{
    static const char *const known[] = {"on_pending", NULL};
    struct config_reader approvals = config_sub(r, "approvals"), hook;

    config_keys(&approvals, known);
    if (approvals.error == TS_OK && approvals.map != NULL) {
        hook = config_sub(&approvals, "on_pending");
        if (hook.error == TS_OK && hook.map != NULL)
            read_hook(&hook, euid, c);
        approvals.error = hook.error;
    }
    r->error = approvals.error;
}

/* It is to be shown questions, not to act for anybody. */
void config_hook_user(struct config_reader *r, const struct config *c)
{
    uint32_t uid = c->users[CONFIG_USER_HOOK].uid;
    bool operates = false;

    if (!c->hook.on)
        return;
    for (uint32_t i = 0; i < c->admin_uid_count; i++)
        operates = operates || c->admin_uids[i] == uid;
    for (uint32_t i = 0; i < c->tenant_operator_count; i++)
        operates = operates || c->tenant_operators[i].uid == uid;
    if (operates || uid == 0)
        config_fail(r, yaml_node_find(r->map, "approvals"),
                    "the hook's user must not be one of admin_uids, of "
                    "tenant_operators or root; give it one of its own");
}
