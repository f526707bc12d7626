/* tipstaff init: a complete configuration in a new directory. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/directory/publish.h"
#include "cli/opts.h"
#include "cli/service/init_tree.h"
#include "proto/trust/id.h"

#define SIDECAR_ID  "sidecar/local"
#define PATH_CAP    1024
#define FIRST_TTL_S UINT64_C(31536000) /* a year */

struct init {
    const char *tenant, *workspace, *base;
    uint64_t agent_uid;
    char workspace_path[PATH_CAP], base_path[PATH_CAP];
    char run_dir[PATH_CAP], state_dir[PATH_CAP], log_dir[PATH_CAP];
    char agent_uid_text[16], admin_uid_text[16];
    char issuer_pub[2 * TRUST_PK_LEN + 1], agent_pub[2 * TRUST_PK_LEN + 1];
    char sidecar_pub[2 * TRUST_PK_LEN + 1];
    char directory_pub[2 * TRUST_PK_LEN + 1];
    char revoker_pub[2 * TRUST_PK_LEN + 1];
};

/* realpath() into less than PATH_MAX. */
static bool resolve(const char *what, const char *path, char out[PATH_CAP])
{
    char full[PATH_MAX];

    if (realpath(path, full) == NULL) {
        cli_error("%s %s: %s", what, path, strerror(errno));
        return false;
    }
    if (strlen(full) >= PATH_CAP) {
        cli_error("%s %s: the path is too long", what, path);
        return false;
    }
    memcpy(out, full, strlen(full) + 1);
    return true;
}

/* It is written into YAML, JSON and Cedar strings, so it may hold nothing that
 * any of them would read as more than itself. */
static bool path_is_plain(const char *what, const char *path)
{
    for (const char *p = path; *p != '\0'; p++) {
        if (*p >= ' ' && *p <= '~' && strchr("\"\\'{}*", *p) == NULL)
            continue;
        cli_error("%s may hold printable ASCII without quotes, backslashes, "
                  "braces and asterisks",
                  what);
        return false;
    }
    return true;
}

static bool find_workspace(struct init *in)
{
    struct stat st;

    if (!resolve("--workspace", in->workspace, in->workspace_path))
        return false;
    if (stat(in->workspace_path, &st) != 0 || !S_ISDIR(st.st_mode) ||
        strcmp(in->workspace_path, "/") == 0) {
        cli_error("--workspace %s: must be a directory below /", in->workspace);
        return false;
    }
    return path_is_plain("--workspace", in->workspace_path);
}

/* run, state and log: below --base, or where an installed service has them. */
static bool find_dirs(struct init *in)
{
    int n;

    if (in->base == NULL) {
        (void)snprintf(in->run_dir, PATH_CAP, "/run/tipstaff");
        (void)snprintf(in->state_dir, PATH_CAP, "/var/lib/tipstaff");
        (void)snprintf(in->log_dir, PATH_CAP, "/var/log/tipstaff");
        return true;
    }
    if (mkdir(in->base, 0755) != 0 && errno != EEXIST) {
        cli_error("--base %s: %s", in->base, strerror(errno));
        return false;
    }
    if (!resolve("--base", in->base, in->base_path))
        return false;
    n = snprintf(in->run_dir, PATH_CAP, "%s/run", in->base_path);
    /* "/admin/admin.sock" still has to fit behind it. */
    if (n < 0 || n > 107 - 17) {
        cli_error("--base %s: too long for the path of a socket (107 bytes)",
                  in->base);
        return false;
    }
    if (snprintf(in->state_dir, PATH_CAP, "%s/state", in->base_path) < 0 ||
        snprintf(in->log_dir, PATH_CAP, "%s/log", in->base_path) < 0)
        return false;
    return path_is_plain("--base", in->base_path);
}

static bool check(struct init *in)
{
    struct ts_str tenant = ts_str_of(in->tenant);

    if (!trust_id_valid(tenant) || strchr(in->tenant, '/') != NULL) {
        cli_error("--tenant must be one segment of A-Z a-z 0-9 . _ @ : + = -");
        return false;
    }
    if (in->agent_uid == UINT64_MAX)
        in->agent_uid = getuid();
    if (in->agent_uid == 0) {
        cli_error("which user does the agent run as? Say --agent-uid UID; root "
                  "is refused as an agent");
        return false;
    }
    if (in->agent_uid >= 65534) {
        cli_error("--agent-uid must be a number from 1 to 65533");
        return false;
    }
    (void)snprintf(in->agent_uid_text, sizeof(in->agent_uid_text), "%u",
                   (unsigned)in->agent_uid);
    (void)snprintf(in->admin_uid_text, sizeof(in->admin_uid_text), "%u",
                   (unsigned)getuid());
    return find_workspace(in) && find_dirs(in);
}

/* Root changes to users of its own; of a throw-away instance they are numbers,
 * so that none has to be created. */
static const char *users_section(const struct init *in)
{
    if (getuid() != 0)
        return "\n# Not started as root, so all processes run as the user who "
               "starts it; as root\n# each has a user of its own (users:).";
    if (in->base != NULL)
        return "\n# Whom the processes run as.\n"
               "users:\n  gate: 64001\n  recorder: 64002\n  launcher: 64003";
    return "\n# Whom the processes run as (the package creates them).\n"
           "users:\n  gate: tipstaff-gate\n  recorder: tipstaff-recorder\n"
           "  launcher: tipstaff-launcher";
}

/* The first directory, so that the service has one to start with. */
static bool sign_directory(const struct init *in, const struct init_tree *t)
{
    struct dir_publish d = {.config = t->path,
                            .tenant = in->tenant,
                            .ttl_s = FIRST_TTL_S,
                            .wait_s = 1,
                            .no_push = true,
                            .is_quiet = true};
    char source[INIT_PATH_MAX + TS_ID_MAX + 32];

    (void)snprintf(source, sizeof(source), "%s/directory/%s.yaml", t->path,
                   in->tenant);
    return dir_publish_source(&d, source) == CLI_OK;
}

static bool write_tree(struct init *in, struct init_tree *t)
{
    const struct starter_value values[] = {
        {"tenant", in->tenant},
        {"workspace", in->workspace_path},
        {"sidecar_id", SIDECAR_ID},
        {"sidecar_pub", in->sidecar_pub},
        {"issuer_pub", in->issuer_pub},
        {"agent_pub", in->agent_pub},
        {"directory_pub", in->directory_pub},
        {"revoker_pub", in->revoker_pub},
        {"agent_uid", in->agent_uid_text},
        {"admin_uid", in->admin_uid_text},
        {"run_dir", in->run_dir},
        {"state_dir", in->state_dir},
        {"log_dir", in->log_dir},
        {"agent_socket",
         in->base != NULL || getuid() != 0
             ? "{mode: \"0666\", dir_mode: \"0755\"}"
             : "{mode: \"0660\", group: tipstaff-agents, dir_mode: \"0750\"}"},
        {"admin_socket",
         in->base != NULL || getuid() != 0
             ? "{mode: \"0660\", dir_mode: \"0750\"}"
             : "{mode: \"0660\", group: tipstaff-operators, dir_mode: "
               "\"0750\"}"},
        {"users", users_section(in)},
        {NULL, NULL},
    };

    /* Public halves are for everybody, so the way to them is open. */
    return init_tree_directory(t, "keys", 0711) &&
           init_tree_directory(t, "keys/agents", 0711) &&
           init_tree_key(t, "keys/sidecar", in->sidecar_pub) &&
           init_tree_key(t, "keys/issuer", in->issuer_pub) &&
           init_tree_key(t, "keys/directory", in->directory_pub) &&
           init_tree_key(t, "keys/revoker", in->revoker_pub) &&
           init_tree_key(t, "keys/agents/coder", in->agent_pub) &&
           init_tree_starter(t, values) && sign_directory(in, t) &&
           init_tree_commit(t);
}

static void print_next(const struct init *in, const char *dir)
{
    (void)printf(
        "%s is ready: tenant %s, workspace %s.\n"
        "\n"
        "Start the service:\n"
        "  tipstaffd --config %s\n"
        "\n"
        "Let alice hand a task to the agent coder:\n"
        "  echo 'permit (principal, action, resource);' | tipstaff delegate "
        "\\\n"
        "    --issuer-key %s/keys/issuer.seed --tenant %s --issuer %s-issuer "
        "\\\n"
        "    --user alice --agent coder --holder %s/keys/agents/coder.pub \\\n"
        "    --aud " SIDECAR_ID
        " --task first --ttl 3600 --policy - -o task.grant\n"
        "\n"
        "Let the agent (uid %s) call a tool:\n"
        "  TIPSTAFF_SOCKET=%s/agent/agent.sock TIPSTAFF_DELEGATION=task.grant "
        "\\\n"
        "  TIPSTAFF_KEY=%s/keys/agents/coder.seed \\\n"
        "  TIPSTAFF_SIDECAR_KEY=%s/keys/sidecar.pub \\\n"
        "    tipstaff-shim call fs.list path=.\n"
        "\n"
        "Rehearse taking it away:\n"
        "  tipstaff drill revoke --config %s\n"
        "\n"
        "Change who there is:\n"
        "  edit %s/directory/%s.yaml, then\n"
        "  tipstaff directory apply %s/directory/%s.yaml --config %s\n"
        "\n"
        "The seeds of issuer, directory, revoker and agent are for other "
        "places than this:\ndocs/OPERATING.md says which.\n",
        dir, in->tenant, in->workspace_path, dir, dir, in->tenant, in->tenant,
        dir, in->agent_uid_text, in->run_dir, dir, dir, dir, dir, in->tenant,
        dir, in->tenant, dir);
}

int cmd_init(int argc, char **argv)
{
    struct init in = {.tenant = "acme", .agent_uid = UINT64_MAX};
    struct init_tree t = {.path = ""};
    const struct cli_option options[] = {
        {"--workspace", "PATH", "the directory that the starter tools work in",
         CLI_TEXT, &in.workspace, true},
        {"--tenant", "NAME", "name of the first tenant (acme)", CLI_TEXT,
         &in.tenant, false},
        {"--base", "PATH",
         "sockets, state and log below PATH, for an instance of your own",
         CLI_TEXT, &in.base, false},
        {"--agent-uid", "UID", "user of the starter agent (yours)", CLI_NUMBER,
         &in.agent_uid, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff init",
        .operands = "DIR",
        .about =
            "Writes a complete, commented configuration into the new "
            "directory DIR: settings,\nkeys, starter tools and the files of "
            "one tenant. Nothing is ever overwritten.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff init /etc/tipstaff --workspace /srv/work "
                    "--agent-uid 10001\n"
                    "  tipstaff init ./demo --workspace . --base ./demo-run\n",
    };
    char **operand;
    size_t count;
    bool ok;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    if (!check(&in))
        return CLI_FAILED;
    if (trust_init() != TS_OK) {
        cli_error("this libsodium must not be used");
        return CLI_FAILED;
    }
    ok = init_tree_begin(&t, operand[0]) && write_tree(&in, &t);
    init_tree_done(&t);
    if (!ok)
        return CLI_FAILED;
    print_next(&in, t.final);
    return CLI_OK;
}
