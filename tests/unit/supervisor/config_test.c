#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/supervisor/config.h"
#include "tests/lib/fault_mem.h"

#define UIDS                                                                   \
    "t.yaml:2: uids must be 32 to 65536 numbers from 1000 on, without 65534; " \
    "nobody else may use them"
#define DNS                                                                    \
    "t.yaml:2: a server of dns is an address, or ADDRESS:PORT, "               \
    "[ADDRESS6]:PORT, in quotes"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define USERS_NO_BROKER                                                        \
    "users: {gate: 64001, recorder: 64002, launcher: \"64003\"}\n"
#define USERS                                                                  \
    "users: {gate: 64001, recorder: 64002, launcher: \"64003\", broker: "      \
    "64004}\n"

#define HOOK(keys)                                                             \
    "sidecar_id: a\napprovals:\n  on_pending: {" keys "}\n"                    \
    "users: {gate: 64001, recorder: 64002, launcher: 64003, hook: 64005}\n"

static const char full[] =
    "sidecar_id: acme/one\n"
    "audiences: [acme/one, acme/any]\n"
    "key: /etc/keys/s.seed\n"
    "run_dir: /r\n"
    "state_dir: /s\n"
    "log_dir: /l\n"
    "durability: written\n"
    "sandbox: {level: uid, uids: 70000-70099, cgroups: off}\n"
    "egress: {dns: [\"10.0.0.1\", \"[::1]:5353\", \"::2\"]}\n"
    "agent_socket: {mode: \"0666\", group: 7, dir_mode: \"0755\"}\n"
    "admin_socket:\n"
    "  mode: \"0600\"\n"
    "admin_uids: [0, 1000]\n"
    "tenant_operators: {beta: [9, 7], acme: [9]}\n"
    "token_key: credential:token\n"
    "allow_root_agents: true\n"
    "require_pidfd: true\n"
    "segment_mb: 8\n"
    "reserve_mb: 4\n"
    "handshake: {rate: 5, burst: 50}\n"
    "grace_ms: 1234\n"
    "start_ms: 2345\n"
    "log_level: debug\n" USERS;

static void config_parse_every_key_is_read(void **state)
{
    char text[CONFIG_ERR_MAX] = "";
    struct config c;

    (void)state;
    assert_int_equal(config_parse(ts_str_of(full), "t.yaml", 0, &c, text),
                     TS_OK);
    assert_true(ts_str_eq_c(c.sidecar_id, "acme/one"));
    assert_int_equal(c.audience_count, 2);
    assert_true(ts_str_eq_c(c.audiences[1], "acme/any"));
    assert_string_equal(c.key, "/etc/keys/s.seed");
    assert_string_equal(c.run_dir, "/r");
    assert_string_equal(c.state_dir, "/s");
    assert_string_equal(c.log_dir, "/l");
    assert_false(c.durability_sync);
    assert_int_equal(c.sandbox.most, BOX_UID);
    assert_int_equal(c.sandbox.uid_first, 70000);
    assert_int_equal(c.sandbox.uid_count, 100);
    assert_false(c.sandbox.cgroups);
    assert_true(c.egress.on);
    assert_string_equal(c.egress.dns, "10.0.0.1:53,[::1]:5353,[::2]:53");
    assert_int_equal(c.agent.mode, 0666);
    assert_int_equal(c.agent.group, 7);
    assert_int_equal(c.agent.dir_mode, 0755);
    assert_int_equal(c.admin.mode, 0600);
    assert_int_equal(c.admin.dir_mode, 0750);
    assert_int_equal(c.admin_uid_count, 2);
    assert_int_equal(c.admin_uids[1], 1000);
    assert_string_equal(c.token_key, "credential:token");
    assert_int_equal(c.tenant_operator_count, 3);
    assert_true(ts_str_eq_c(c.tenant_operators[0].tenant, "acme"));
    assert_int_equal(c.tenant_operators[0].uid, 9);
    assert_true(ts_str_eq_c(c.tenant_operators[1].tenant, "beta"));
    assert_int_equal(c.tenant_operators[1].uid, 7);
    assert_int_equal(c.tenant_operators[2].uid, 9);
    assert_true(c.allow_root_agents);
    assert_true(c.require_pidfd);
    assert_int_equal(c.segment_bytes, 8 << 20);
    assert_int_equal(c.reserve_bytes, 4 << 20);
    assert_int_equal(c.handshake_rate, 5);
    assert_int_equal(c.handshake_burst, 50);
    assert_int_equal(c.grace_ms, 1234);
    assert_int_equal(c.start_ms, 2345);
    assert_int_equal(c.log_level, LOG_DEBUG);
    assert_true(c.change_users);
    assert_int_equal(c.users[CONFIG_USER_LAUNCHER].uid, 64003);
    assert_int_equal(c.users[CONFIG_USER_LAUNCHER].gid, 64003);
    config_done(&c);
}

static void config_parse_smallest_file_has_the_defaults(void **state)
{
    char text[CONFIG_ERR_MAX] = "";
    struct config c;

    (void)state;
    assert_int_equal(
        config_parse(ts_str_of("sidecar_id: one\n"), "t.yaml", 1000, &c, text),
        TS_OK);
    assert_int_equal(c.audience_count, 1);
    assert_true(ts_str_eq_c(c.audiences[0], "one"));
    assert_string_equal(c.key, "keys/sidecar.seed");
    assert_string_equal(c.run_dir, "/run/tipstaff");
    assert_string_equal(c.state_dir, "/var/lib/tipstaff");
    assert_string_equal(c.log_dir, "/var/log/tipstaff");
    assert_true(c.durability_sync);
    assert_int_equal(c.sandbox.most, BOX_ANY);
    assert_int_equal(c.sandbox.uid_count, 0); /* not root */
    assert_true(c.sandbox.cgroups);
    assert_false(c.egress.on);
    assert_string_equal(c.egress.dns, "");
    assert_int_equal(c.agent.mode, 0660);
    assert_int_equal(c.agent.dir_mode, 0750);
    assert_true(c.agent.group == CONFIG_ID_NONE);
    assert_int_equal(c.admin_uid_count, 1);
    assert_int_equal(c.admin_uids[0], 1000);
    assert_null(c.token_key);
    assert_int_equal(c.tenant_operator_count, 0);
    assert_false(c.allow_root_agents);
    assert_false(c.require_pidfd);
    assert_int_equal(c.segment_bytes, 64 << 20);
    assert_int_equal(c.handshake_rate, TS_HANDSHAKE_RATE);
    assert_int_equal(c.handshake_burst, TS_HANDSHAKE_BURST);
    assert_int_equal(c.grace_ms, 10000);
    assert_false(c.change_users);
    config_done(&c);
}

/* Every mistake: the file, and exactly what is said about it. */
static const struct {
    uid_t euid;
    const char *yaml, *text;
} mistakes[] = {
    {1000, "color: red\n",
     "t.yaml:1: unknown key color; known here: sidecar_id, audiences, key, "
     "token_key, run_dir, state_dir, log_dir, durability, sandbox, egress, "
     "approvals, agent_socket, admin_socket, admin_uids, tenant_operators, "
     "allow_root_agents, require_pidfd, segment_mb, reserve_mb, handshake, "
     "grace_ms, start_ms, log_level, users"},
    {1000, "key: a\n",
     "t.yaml:1: sidecar_id is missing; add the name that delegations are made "
     "out to, such as sidecar_id: acme/build-1"},
    {1000, "sidecar_id: a//b\n",
     "t.yaml:1: sidecar_id must be an id: 1 to 128 of A-Z a-z 0-9 . _ @ : + = "
     "- in segments joined by /"},
    {1000, "sidecar_id: a\naudiences: []\n",
     "t.yaml:2: audiences must be a list of 1 to 4 ids"},
    {1000, "sidecar_id: a\naudiences: [a, b, c, d, e]\n",
     "t.yaml:2: audiences must be a list of 1 to 4 ids"},
    {1000, "sidecar_id: a\naudiences: [a, ..]\n",
     "t.yaml:2: an audience must be an id: 1 to 128 of A-Z a-z 0-9 . _ @ : + = "
     "- in segments joined by /"},
    {1000, "sidecar_id: a\nrun_dir: run\n",
     "t.yaml:2: run_dir must be an absolute path"},
    {1000, "sidecar_id: a\nkey: \"\"\n",
     "t.yaml:2: key must be a text that is not empty"},
    {1000, "sidecar_id: a\nrun_dir: /x\nlog_dir: /x\n",
     "t.yaml:3: run_dir and log_dir are the same directory"},
    {1000, "sidecar_id: a\ndurability: maybe\n",
     "t.yaml:2: durability must be one of sync, written"},
    {1000, "sidecar_id: a\nlog_level: loud\n",
     "t.yaml:2: log_level must be one of error, warn, info, debug"},
    {1000, "sidecar_id: a\nsandbox: full\n",
     "t.yaml:2: sandbox must be a map of keys and values, such as sandbox: "
     "{KEY: VALUE}; {} is all defaults"},
    {1000, "sidecar_id: a\nsandbox: {lvl: full}\n",
     "t.yaml:2: unknown key lvl; known here: level, uids, cgroups"},
    {1000, "sidecar_id: a\nsandbox: {level: strict}\n",
     "t.yaml:2: level must be one of auto, bare, uid, full"},
    {1000, "sidecar_id: a\nsandbox: {level: any}\n",
     "t.yaml:2: level must be one of auto, bare, uid, full"},
    {1000, "sidecar_id: a\nsandbox: {level: [full]}\n",
     "t.yaml:2: level must be one of auto, bare, uid, full"},
    {1000, "sidecar_id: a\nsandbox: {cgroups: on}\n",
     "t.yaml:2: cgroups must be auto or off"},
    {1000, "sidecar_id: a\nsandbox: {uids: 70000-70099}\n",
     "t.yaml:2: uids needs root, who alone can give a tool a uid of its own; "
     "remove it, or start the service as root"},
    {0, "sidecar_id: a\nsandbox: {uids: 70000}\n",
     "t.yaml:2: uids must be a range, such as 60578-61183"},
    {0, "sidecar_id: a\nsandbox: {uids: 70000-}\n",
     "t.yaml:2: uids must be a range, such as 60578-61183"},
    {0, "sidecar_id: a\nsandbox: {uids: 70000-70099x}\n",
     "t.yaml:2: uids must be a range, such as 60578-61183"},
    {0, "sidecar_id: a\nsandbox: {uids: 70000-99999999999}\n",
     "t.yaml:2: uids must be a range, such as 60578-61183"},
    {0, "sidecar_id: a\nsandbox: {uids: 900-1900}\n", UIDS},
    {0, "sidecar_id: a\nsandbox: {uids: 70000-70010}\n", UIDS},
    {0, "sidecar_id: a\nsandbox: {uids: 70099-70000}\n", UIDS},
    {0, "sidecar_id: a\nsandbox: {uids: 65000-66000}\n", UIDS},
    {0, "sidecar_id: a\nsandbox: {uids: 100000-200000}\n", UIDS},
    {0, "sidecar_id: a\nsandbox: {uids: 64000-64100}\n" USERS,
     "t.yaml:2: sandbox: uids holds 64001, as which the gate runs; choose "
     "another range"},
    {0,
     "sidecar_id: a\nsandbox: {uids: 70000-70100}\nadmin_uids: [70001]\n" USERS,
     "t.yaml:2: sandbox: uids holds 70001, which is in admin_uids; a tool "
     "could act as that operator"},
    {0,
     "sidecar_id: a\nsandbox: {uids: 70000-70100}\n"
     "tenant_operators: {t: [70002]}\n" USERS,
     "t.yaml:2: sandbox: uids holds 70002, which is in tenant_operators; a "
     "tool could act as that operator"},
    {1000, "sidecar_id: a\negress: true\n",
     "t.yaml:2: egress must be a map of keys and values, such as egress: "
     "{KEY: VALUE}; {} is all defaults"},
    {1000, "sidecar_id: a\negress: {dns: 10.0.0.1}\n",
     "t.yaml:2: dns must be a list of 1 to 8 addresses"},
    {1000, "sidecar_id: a\negress: {dns: [a.example]}\n", DNS},
    {1000, "sidecar_id: a\negress: {dns: [\"10.0.0.1:0\"]}\n", DNS},
    {1000, "sidecar_id: a\negress: {dns: [\"10.0.0.1:65536\"]}\n", DNS},
    {1000, "sidecar_id: a\negress: {dns: [\"[10.0.0.1]:1\"]}\n", DNS},
    {1000, "sidecar_id: a\negress: {dns: [\"[::1\"]}\n", DNS},
    {1000, "sidecar_id: a\negress: {dns: [\"[::1]1\"]}\n", DNS},
    {1000, "sidecar_id: a\negress: {servers: []}\n",
     "t.yaml:2: unknown key servers; known here: dns"},
    {1000, "sidecar_id: a\ngrace_ms: -1\n",
     "t.yaml:2: grace_ms must be a number from 0 to 600000"},
    {1000, "sidecar_id: a\nallow_root_agents: yes\n",
     "t.yaml:2: allow_root_agents must be true or false"},
    {1000, "sidecar_id: a\nagent_socket: {mode: 660}\n",
     "t.yaml:2: mode must be four octal digits in quotes, such as \"0660\""},
    {1000, "sidecar_id: a\nagent_socket: {mode: \"0680\"}\n",
     "t.yaml:2: mode must be four octal digits in quotes, such as \"0660\""},
    {1000, "sidecar_id: a\nagent_socket:\n  dir_mode: \"0777\"\n",
     "t.yaml:3: dir_mode lets everybody replace the socket; take away the last "
     "write bit"},
    {1000, "sidecar_id: a\nagent_socket:\n  owner: root\n",
     "t.yaml:3: unknown key owner; known here: mode, group, dir_mode"},
    {1000, "sidecar_id: a\nagent_socket: {group: no-such-group}\n",
     "t.yaml:2: there is no group no-such-group; create it (systemd-sysusers) "
     "or give a number"},
    {1000, "sidecar_id: a\nagent_socket: 0660\n",
     "t.yaml:2: agent_socket must be a map of keys and values, such as "
     "agent_socket: "
     "{KEY: VALUE}; {} is all defaults"},
    {1000, "sidecar_id: a\nadmin_uids: [root]\n",
     "t.yaml:2: a uid must be a number"},
    {1000, "sidecar_id: a\nadmin_uids: []\n",
     "t.yaml:2: admin_uids must be a list of 1 to 16 numbers"},
    {1000, "sidecar_id: a\ntoken_key: keys/sidecar.seed\n",
     "t.yaml:2: token_key and key are the same; every key has one role, make "
     "another with `tipstaff key new`"},
    {1000, "sidecar_id: a\ntoken_key: [a]\n",
     "t.yaml:2: token_key must be a text that is not empty"},
    {1000, "sidecar_id: a\ntenant_operators: [1]\n",
     "t.yaml:2: tenant_operators must be a map of keys and values, such as "
     "tenant_operators: "
     "{KEY: VALUE}; {} is all defaults"},
    {1000, "sidecar_id: a\ntenant_operators: {\"a b\": [1]}\n",
     "t.yaml:2: tenant_operators: not the id of a tenant"},
    {1000, "sidecar_id: a\ntenant_operators: {acme: 7}\n",
     "t.yaml:2: tenant_operators: each tenant needs a list of uids"},
    {1000, "sidecar_id: a\ntenant_operators: {acme: []}\n",
     "t.yaml:2: tenant_operators: each tenant needs a list of uids"},
    {1000, "sidecar_id: a\ntenant_operators:\n  acme: [7, -1]\n",
     "t.yaml:3: a uid must be a number"},
    {1000, "sidecar_id: a\ntenant_operators:\n  acme: [7, bob]\n",
     "t.yaml:3: a uid must be a number"},
    {1000, "sidecar_id: a\ntenant_operators:\n  acme: [4294967295]\n",
     "t.yaml:3: a uid must be a number"},
    {1000, "sidecar_id: a\ntenant_operators: {acme: [7, 8, 7]}\n",
     "t.yaml:2: uid 7 stands twice for this tenant"},
    {1000, "sidecar_id: a\ntenant_operators: {acme: [7], beta: [1000]}\n",
     "t.yaml:2: uid 1000 is in admin_uids, which covers every tenant; take it "
     "out of one of the two (admin_uids is the user of the service unless it "
     "is written down)"},
    {1000,
     "sidecar_id: a\ntenant_operators: {acme: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "
     "11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22], beta: [1, 2, 3, 4, 5, "
     "6, 7, 8, 9, 10, 11]}\n",
     "t.yaml:2: tenant_operators may have 32 uids in all"},
    {1000, "sidecar_id: a\nhandshake: {rate: 0}\n",
     "t.yaml:2: rate must be a number from 1 to 1000000"},
    {1000, "sidecar_id: a\nsegment_mb: 4096\nreserve_mb: 1\n",
     "t.yaml:3: reserve_mb is too small for segment_mb; at least a 64th"},
    {1000, "sidecar_id: a\n" USERS,
     "t.yaml:2: users needs root to change to them; remove it, or start the "
     "service as root"},
    {0, "sidecar_id: a\nusers: {gate: 1, recorder: 2, launcher: 1}\n",
     "t.yaml:2: gate and launcher would run as the same user; each needs its "
     "own"},
    {0, "sidecar_id: a\nusers: {gate: 0, recorder: 2, launcher: 1}\n",
     "t.yaml:2: gate may not run as 0; give it a user of its own"},
    {0, "sidecar_id: a\nusers: {gate: root, recorder: 2, launcher: 1}\n",
     "t.yaml:2: gate may not run as root; give it a user of its own"},
    {0, "sidecar_id: a\nusers: {gate: no-such-user}\n",
     "t.yaml:2: there is no user no-such-user; create it (systemd-sysusers) or "
     "give a number"},
    {0, "sidecar_id: a\nusers:\n  brokr: 1\n",
     "t.yaml:3: unknown key brokr; known here: gate, recorder, launcher, "
     "broker, hook"},
    {0,
     "sidecar_id: a\negress: {}\nusers: {gate: 1, recorder: 2, launcher: 3, "
     "broker: 3}\n",
     "t.yaml:3: launcher and broker would run as the same user; each needs its "
     "own"},
    {0, "sidecar_id: a\negress: {}\n" USERS_NO_BROKER,
     "t.yaml:3: there is no user tipstaff-broker to run the broker as; create "
     "it (systemd-sysusers) or write users: {broker: NAME or uid}"},
    {1000, "sidecar_id: a\napprovals:\n  on_pending: {exec: /usr/bin/true}\n",
     "t.yaml:3: on_pending needs a user of its own for the command, and so a "
     "service that is started as root; otherwise run `tipstaff approvals watch "
     "--json` as another user"},
    {0, "sidecar_id: a\napprovals: {on_end: {}}\n" USERS,
     "t.yaml:2: unknown key on_end; known here: on_pending"},
    {0, HOOK("args: [a]"),
     "t.yaml:3: on_pending needs exec, the absolute path of the program"},
    {0, HOOK("exec: true-ish"),
     "t.yaml:3: exec true-ish: it must be an absolute path"},
    {0, HOOK("exec: /usr/../usr/bin/true"),
     "t.yaml:3: exec /usr/../usr/bin/true: there is a link in it; write the "
     "real path, /usr/bin/true"},
    {0, HOOK("exec: /usr/bin"),
     "t.yaml:3: exec /usr/bin: it is not a regular file"},
    {0, HOOK("exec: /etc/hostname-that-is-not"),
     "t.yaml:3: exec /etc/hostname-that-is-not: No such file or directory"},
    {0, HOOK("exec: /usr/bin/true, args: a"),
     "t.yaml:3: args must be a list of at most 16 texts"},
    {0, HOOK("exec: /usr/bin/true, args: [{a: b}]"),
     "t.yaml:3: args must be a list of texts; quote numbers"},
    {0, HOOK("exec: /usr/bin/true, write: [/a, /b, /c, /d, /e]"),
     "t.yaml:3: write must be a list of at most 4 texts"},
    {0, HOOK("exec: /usr/bin/true, write: [usr]"),
     "t.yaml:3: write must name folders that are there, by absolute paths; "
     "make them, and give them to the hook's user"},
    {0, HOOK("exec: /usr/bin/true, shell: true"),
     "t.yaml:3: unknown key shell; known here: exec, args, write, timeout_ms, "
     "max_parallel, per_minute"},
    {0, HOOK("exec: /usr/bin/true") "admin_uids: [0, 64005]\n",
     "t.yaml:3: the hook's user must not be one of admin_uids, of "
     "tenant_operators or root; give it one of its own"},
    {0, "sidecar_id: a\napprovals: {on_pending: {exec: /usr/bin/true}}\n" USERS,
     "t.yaml:3: there is no user tipstaff-hook to run the hook as; create it "
     "(systemd-sysusers) or write users: {hook: NAME or uid}"},
    {1000, "- a\n", "t.yaml:1: the file must be a map of keys and values"},
    {1000, "sidecar_id: a\nsidecar_id: b\n",
     "t.yaml:2: key \"sidecar_id\" is given twice; remove one"},
};

/* strict is given wherever full is; only less than full forbids it. */
static void
config_parse_level_is_a_most_that_never_parts_full_and_strict(void **state)
{
    static const struct {
        const char *level;
        enum box_level most;
    } rows[] = {{"auto", BOX_ANY},
                {"bare", BOX_BARE},
                {"uid", BOX_UID},
                {"full", BOX_STRICT}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char yaml[96], text[CONFIG_ERR_MAX] = "";
        struct config c = {0};

        (void)snprintf(yaml, sizeof(yaml),
                       "sidecar_id: a\nsandbox: {level: %s}\n", rows[i].level);
        assert_int_equal(
            config_parse(ts_str_of(yaml), "t.yaml", 1000, &c, text), TS_OK);
        assert_int_equal(c.sandbox.most, rows[i].most);
        config_done(&c);
    }
}

static void config_parse_a_hook_has_defaults_and_a_user(void **state)
{
    char text[CONFIG_ERR_MAX] = "";
    struct config c;

    (void)state;
    assert_int_equal(config_parse(ts_str_of(HOOK("exec: /usr/bin/true")),
                                  "t.yaml", 0, &c, text),
                     TS_OK);
    assert_true(c.hook.on);
    assert_true(ts_str_eq_c(c.hook.how.exec, "/usr/bin/true"));
    assert_int_equal(c.hook.how.arg_count, 0);
    assert_int_equal(c.hook.how.dir_count, 0);
    assert_int_equal(c.hook.how.timeout_ms, 10000);
    assert_int_equal(c.hook.how.parallel, 4);
    assert_int_equal(c.hook.how.per_minute, 30);
    assert_int_equal(c.users[CONFIG_USER_HOOK].uid, 64005);
    config_done(&c);
    assert_int_equal(
        config_parse(
            ts_str_of(HOOK("exec: /usr/bin/true, args: [a, \"\"], write: "
                           "[/usr], timeout_ms: 5, max_parallel: 2, "
                           "per_minute: 7")),
            "t.yaml", 0, &c, text),
        TS_OK);
    assert_int_equal(c.hook.how.arg_count, 2);
    assert_true(ts_str_eq_c(c.hook.how.args[0], "a"));
    assert_int_equal(c.hook.how.args[1].len, 0);
    assert_true(ts_str_eq_c(c.hook.how.dirs[0], "/usr"));
    assert_int_equal(c.hook.how.timeout_ms, 5);
    assert_int_equal(c.hook.how.parallel, 2);
    assert_int_equal(c.hook.how.per_minute, 7);
    config_done(&c);
    assert_int_equal(config_parse(ts_str_of(full), "t.yaml", 0, &c, text),
                     TS_OK);
    assert_false(c.hook.on);
    config_done(&c);
}

static void config_parse_every_mistake_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        char text[CONFIG_ERR_MAX] = "";
        struct config c;
        ts_err e;

        memset(&c, 0x5a, sizeof(c));
        e = config_parse(ts_str_of(mistakes[i].yaml), "t.yaml",
                         mistakes[i].euid, &c, text);
        assert_string_equal(text, mistakes[i].text);
        assert_int_not_equal(e, TS_OK);
        assert_int_equal(c.audience_count, 0x5a5a5a5a); /* untouched */
    }
}

/* Whatever a cut file is, it is never accepted with something missing that was
 * there: cuts in the middle of a line either fail or change only that line. */
static void config_parse_truncated_never_crashes(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof(full) - 1; cut++) {
        char text[CONFIG_ERR_MAX] = "";
        struct config c;

        if (config_parse((struct ts_str){full, cut}, "t.yaml", 0, &c, text) ==
            TS_OK)
            config_done(&c);
        else
            assert_true(strncmp(text, "t.yaml:", 7) == 0);
    }
}

static void config_parse_out_of_memory(void **state)
{
    (void)state;
    for (int persistent = 0; persistent <= 1; persistent++) {
        for (int nth = 0;; nth++) {
            char text[CONFIG_ERR_MAX] = "";
            struct config c = {0};
            ts_err e;

            fault_mem_arm(nth, persistent == 1);
            e = config_parse(ts_str_of(full), "t.yaml", 0, &c, text);
            config_done(&c);
            assert_int_equal(fault_mem_live(), 0);
            fault_mem_disarm();
            if (!fault_mem_fired()) {
                assert_int_equal(e, TS_OK);
                break;
            }
            assert_int_equal(e, TS_E_NOMEM);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_parse_every_key_is_read),
        cmocka_unit_test(config_parse_smallest_file_has_the_defaults),
        cmocka_unit_test(
            config_parse_level_is_a_most_that_never_parts_full_and_strict),
        cmocka_unit_test(config_parse_every_mistake_is_named),
        cmocka_unit_test(config_parse_a_hook_has_defaults_and_a_user),
        cmocka_unit_test(config_parse_truncated_never_crashes),
        cmocka_unit_test(config_parse_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
