/*
 * Every key about the box, the network and secrets: what is understood, what is
 * refused and in which line, and which of them cannot be had together.
 */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest.h"
#include "tests/lib/fault_mem.h"

#define HEAD  "tool: t\nexec: /usr/bin/x\nargv: [x]\n" /* three lines */
#define ALLOW "network: {mode: proxy, allow: ['a.example:443']}\n"
#define TLS   "network: {mode: proxy, allow: [{host: a.example, tls: true}]}\n"

static const struct manifest_facts all_facts = {
    .has_broker = true, .has_token_key = true, .launchers = 6};

/* One manifest beside a profile of the operator's own. */
static struct manifests *load(const char *text,
                              const struct manifest_facts *facts)
{
    struct bundle_file f[] = {{TS_STR_LIT("sandbox/mine.yaml"), TS_STR_LIT("")},
                              {TS_STR_LIT("tools/t.yaml"), ts_str_of(text)}};
    const struct bundle b = {.files = f, .count = 2};
    struct manifests *m = NULL;
    char err[512];

    assert_int_equal(manifests_load(&b, facts, 1, &m, err, sizeof(err)), TS_OK);
    return m;
}

static const struct {
    const char *text;   /* behind HEAD; line 4 is its first */
    const char *where;  /* how the refusal begins, behind the file's name */
    const char *remedy; /* what it also says */
} mistakes[] = {
    {"sandbox: ful\n", "4: sandbox must be any, bare", "mean \"full\"?"},
    {"sandbox: [full]\n", "4: expected a text", ""},
    {"sandbx: full\n", "4: unknown key \"sandbx\"", "mean \"sandbox\"?"},
    {"limit: {}\n", "4: unknown key \"limit\"", "mean \"limits\"?"},
    {"zzz: 1\n", "4: unknown key \"zzz\" in the manifest; ", "tool(5)"},
    {"launcher: 0\n", "4: unknown key \"launcher\"", ""},
    {"init: no\n", "4: expected true or false", ""},
    {"sandbox: bare\ninit: false\n", "5: init: sandbox: bare has no process",
     "remove one"},
    {"digest: abc\n", "4: digest must be the 64", "sha256sum"},
    {"digest: "
     "g123456789012345678901234567890123456789012345678901234567890123\n",
     "4: digest must be the 64", ""},
    {"seccomp: filse\n", "4: seccomp must be", "mean \"files\"?"},
    {"seccomp: other\n", "4: seccomp must be", "sandbox/other.yaml"},
    {"seccomp: ../x\n", "4: seccomp must be", ""},
    {"require: [landlok]\n", "4: unknown sandbox layer", "\"landlock\"?"},
    {"require: [own_filter]\n", "4: require: own_filter", "strict"},
    {"sandbox: strict\nexec_paths: [/bin/sh]\n", "5: exec_paths: a strict",
     "sandbox: full"},
    {"sandbox: strict\nseccomp: jit\n", "5: seccomp: jit runs what", ""},
    {"sandbox: strict\nseccomp: build\n", "5: seccomp: build runs what", ""},
    {"seccomp: pure\nscratch: /s\n", "4: seccomp: a pure tool", "use files"},
    {"seccomp: pure\nexec_paths: [/bin/sh]\n", "4: seccomp: a pure tool", ""},
    {"seccomp: pure\nwrite_paths: [/w]\n", "4: seccomp: a pure tool", ""},
    {"seccomp: pure\nnetwork: {mode: broker, allow: ['a.example:1']}\n",
     "4: seccomp: a pure tool", ""},
    {"sandbox: bare\nseccomp: net\n", "4: sandbox: bare has no network",
     "write full"},
    {"sandbox: uid\n" ALLOW, "4: sandbox: uid has no network", "proxy"},
    {"seccomp: files\n" ALLOW, "4: seccomp: mode proxy needs sockets",
     "use net"},
    {"limits: {processes: 4096}\n", "4: limits: 4096 processes of 512",
     "require: [cgroup]"},
    {"limits: {tmp_mb: 0}\n", "4: must be from 1 to 65536", ""},
    {"limits: {tmp: 1}\n", "4: unknown key \"tmp\" in limits",
     "mean \"tmp_mb\"?"},
    {"limits: {m: 1}\n", "4: unknown key \"m\" in limits; ", ""},
    {"limits:\n\twall_ms: 5\n", "5: found character", "spaces, not tabs"},
    {"read_paths: [@x]\n", "4: found character", "begin with @"},
    {"limits: {on_output_limit: stop}\n", "4: on_output_limit must be", ""},
    /* network */
    {"network: proxy\n", "4: network: expected", ""},
    {"network: {mod: proxy}\n", "4: unknown key \"mod\" in network", "mode"},
    {"network: {mode: prox}\n", "4: mode must be", "\"proxy\"?"},
    {"network: {mode: proxy}\n", "4: network: allow lists no host", ""},
    {"network: {mode: proxy, allow: []}\n", "4: network: allow lists no host",
     "remove network"},
    {"network: {allow: ['a.example:443']}\n", "4: network: allow has no", ""},
    {"network: {mode: proxy, allow: a}\n", "4: allow must be a list", ""},
    {"network:\n  mode: proxy\n  allow:\n    - a.example\n", "7: expected",
     "HOST:PORT"},
    {"network:\n  mode: proxy\n  allow:\n    - 'a.example:99999'\n",
     "7: a port is", ""},
    {"network:\n  mode: proxy\n  allow:\n    - 'a.example:080'\n",
     "7: expected", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {ports: [1]}\n",
     "7: an entry of network.allow needs a host", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, prots: [1]}\n",
     "7: unknown key \"prots\"", "\"ports\"?"},
    {"network:\n  mode: proxy\n  allow:\n    - {host: A.example}\n",
     "7: host: \"A.example\" must be written in lower", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example.}\n",
     "7: host: \"a.example.\" has an empty", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a_b.example}\n",
     "7: host:", "letters, digits"},
    {"network:\n  mode: proxy\n  allow:\n    - {host: '*.com'}\n",
     "7: host: \"*.com\" allows a whole", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: '*'}\n", "7: host:", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: 'a.*.example'}\n",
     "7: host:", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: -a.example}\n",
     "7: host: \"-a.example\" has a part", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: '127.1'}\n",
     "7: host: \"127.1\" ends in a number", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: 'a.0x7f'}\n",
     "7: host: \"a.0x7f\" ends in a number", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: '[::1]'}\n",
     "7: host: \"[::1]\" is an address in brackets", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: 10.0.0.1}\n",
     "7: host: \"10.0.0.1\" is an address", "list it in addresses"},
    {"network:\n  mode: proxy\n  allow:\n    - {host: 10.0.0.1, addresses: "
     "[10.1.0.0/16]}\n",
     "7: host: \"10.0.0.1\" is an address", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, addresses: "
     "[10.1.1.0/16]}\n",
     "7: addresses: \"10.1.1.0/16\" has bits behind", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, addresses: "
     "[10.0.0.0/33]}\n",
     "7: addresses: \"10.0.0.0/33\" has a prefix", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, addresses: "
     "[ten]}\n",
     "7: addresses: \"ten\" is not an address", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, ports: []}\n",
     "7: ports must be a list", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, ports: [0]}\n",
     "7: must be from 1 to 65535", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, ports: [1, "
     "1]}\n",
     "7: ports: 1 stands twice", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, methods: "
     "[get]}\n",
     "7: methods are written like GET", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, methods: "
     "[CONNECT]}\n",
     "7: methods are written like GET", "CONNECT"},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, methods: "
     "[]}\n",
     "7: methods lists none", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, paths: []}\n",
     "7: paths lists none", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, paths: "
     "[v1]}\n",
     "7: paths begin with", ""},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, paths: "
     "['/a/../b']}\n",
     "7: paths begin with", "dot segments"},
    {"network:\n  mode: proxy\n  allow:\n    - {host: a.example, paths: "
     "['/a?b']}\n",
     "7: paths begin with", "query"},
    {"network:\n  mode: broker\n  allow:\n    - 'b.example:1'\n    - {host: "
     "a.example, tls: true}\n",
     "8: methods, paths and tls", "mode broker"},
    {"network:\n  mode: broker\n  allow:\n    - {host: a.example, paths: "
     "[/]}\n",
     "7: methods, paths and tls", ""},
    {"network: {mode: broker, allow: ['a.example:1'], max_connections: 0}\n",
     "4: must be from 1 to 1024", ""},
    {"network: {mode: broker, allow: ['a.example:1'], max_bytes: 0}\n",
     "4: must be from 1 to", ""},
    /* secrets */
    {"secrets: [a]\n", "4: secrets: expected at most 8", ""},
    {"secrets:\n  key: {credential: a}\n", "5: the name of a secret", ""},
    {"secrets:\n  K: {}\n", "5: a secret needs a source", ""},
    {"secrets:\n  K: {credential: a, file: /s}\n", "5: a secret has one source",
     ""},
    {"secrets:\n  K: {credential: a/b}\n", "5: credential:", ""},
    {"secrets:\n  K: {credential: .a}\n", "5: credential:", ""},
    {"secrets:\n  K: {file: s}\n", "5: file: \"s\" must be", ""},
    {"secrets:\n  K: {fil: /s}\n", "5: unknown key \"fil\" in a secret",
     "\"file\"?"},
    {"secrets:\n  K: {file: /s, as: env}\n", "5: as must be", ""},
    {"secrets:\n  K: {file: /s, header: A}\n", "5: header, prefix and hosts",
     ""},
    {"secrets:\n  K: {file: /s, as: header}\n", "5: as: header needs header",
     ""},
    {"secrets:\n  K: {identity_token: true}\n", "5: an identity token is", ""},
    {"secrets:\n  K: {identity_token: false}\n", "5: identity_token is true",
     ""},
    {"secrets:\n  K: {file: /s, as: header, header: Host, hosts: [a]}\n",
     "5: header must be", ""},
    {"secrets:\n  K: {file: /s, as: header, header: 'A B', hosts: [a]}\n",
     "5: header must be", ""},
    {"secrets:\n  K: {file: /s, as: header, header: A, prefix: \"a\\nb\", "
     "hosts: [a]}\n",
     "5: prefix must be", ""},
    {"secrets:\n  K: {file: /s, as: header, header: A, hosts: [a.example]}\n",
     "5: as: header needs network", ""},
    {TLS "secrets:\n  K: {file: /s, as: header, header: A, hosts: "
         "[b.example]}\n",
     "6: hosts: \"b.example\" is not a host", ""},
    {ALLOW "secrets:\n  K: {file: /s, as: header, header: A, hosts: "
           "[a.example]}\n",
     "6: hosts: \"a.example\" has an entry without tls", "in the clear"},
    {TLS "secrets:\n  K: {identity_token: true, as: header, header: A, hosts: "
         "[a.example]}\n",
     "6: identity_token: true needs", ""},
    {TLS "secrets:\n  K: {file: /s, as: header, header: A, hosts: "
         "[a.example]}\n  L: {file: /u, as: header, header: a, hosts: "
         "[a.example]}\n",
     "7: two secrets for the same header", ""},
    {"read_paths: [/s]\nsecrets:\n  K: {file: /s/k}\n",
     "6: file: the tool could open it", ""},
    {"resource: {type: Dir, path: /s, access: read}\nsecrets:\n  K: {file: "
     "/s/k}\n",
     "6: file: the tool could open it", ""},
    /* paths in each other */
    {"write_paths: [/]\n", "4: write_paths: \"/\" is every file", ""},
    {"write_paths: [/sys/fs/cgroup]\n", "4: write_paths: /sys is", ""},
    {"write_paths: [/dev]\n", "4: write_paths: /dev is", ""},
    {"write_paths: [/w]\nscratch: /w/s\n", "5: scratch: lies in", ""},
    {"read_paths: [/w]\nscratch: /w\n", "5: scratch: lies in", "outside"},
    {"write_paths: [/usr/bin]\n", "2: exec: the tool could change its own", ""},
    {"resource: {type: Dir, path: /usr, access: write}\n",
     "2: exec: the tool could change its own", ""},
};

static void box_mistake_names_line_and_remedy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        char text[1024], where[256];
        struct manifests *m;
        const char *got;

        (void)snprintf(text, sizeof(text), HEAD "%s", mistakes[i].text);
        (void)snprintf(where, sizeof(where), "tools/t.yaml:%s",
                       mistakes[i].where);
        m = load(text, &all_facts);
        if (m->refused_count != 1 || m->count != 0)
            fail_msg("%s was served", mistakes[i].text);
        got = m->refused[0].text.ptr;
        if (strncmp(got, where, strlen(where)) != 0 ||
            strstr(got, mistakes[i].remedy) == NULL)
            fail_msg("%s\ngot: %s\nnot: %s ... %s", mistakes[i].text, got,
                     where, mistakes[i].remedy);
        assert_true(ts_str_eq_c(m->refused[0].tool, "t"));
        assert_int_equal(m->refused[0].line, mistakes[i].where[0] - '0');
        manifests_free(m);
    }
}

static const char *const fine[] = {
    "",
    "sandbox: any\n",
    "sandbox: strict\nseccomp: files\nrequire: [own_filter, no_wx]\n",
    "sandbox: full\ninit: false\n",
    "init: false\n",
    "seccomp: mine\n" ALLOW,
    "seccomp: net\n",
    "seccomp: jit\nsandbox: uid\n",
    "digest: "
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
    "limits: {processes: 4096}\nrequire: [cgroup]\n",
    "limits: {tmp_mb: 65536}\n",
    "network: {mode: none}\n",
    "network: {mode: broker, allow: ['a.example:25', {host: '*.b.example'}]}\n",
    "network: {mode: proxy, allow: [{host: 10.0.0.1, addresses: [10.0.0.0/8], "
    "ports: [80, 443], methods: [GET, POST], paths: ['/v1/**']}]}\n",
    "network: {mode: proxy, allow: [{host: '::1', addresses: ['::1']}]}\n",
    "secrets: {K: {credential: k}, L: {file: /s/k, as: memfd}}\n",
    TLS "secrets: {K: {file: /s/k, as: header, header: Authorization, prefix: "
        "'Bearer ', hosts: [a.example]}}\n",
    TLS "identity_token: {audience: a}\nsecrets: {K: {identity_token: true, "
        "as: header, header: A, hosts: [a.example]}, L: {file: /s/k, as: "
        "header, header: B, hosts: [a.example]}}\n",
    "write_paths: [/w]\nscratch: /wx\n",
    "write_paths: [/dev/null]\n",
};

static void box_combinations_that_work_are_served(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        char text[1024];
        struct manifests *m;

        (void)snprintf(text, sizeof(text), HEAD "%s", fine[i]);
        m = load(text, &all_facts);
        if (m->count != 1)
            fail_msg("%s\n%s", fine[i], m->refused[0].text.ptr);
        manifests_free(m);
    }
}

static void box_values_are_read_with_their_defaults(void **state)
{
    struct manifests *m = load(HEAD, &all_facts);
    const struct manifest *t = &m->list[0];

    (void)state;
    assert_int_equal(t->box, BOX_ANY);
    assert_false(t->no_init);
    assert_false(t->has_program_digest);
    assert_int_equal(t->network.mode, NETWORK_NONE);
    assert_int_equal(t->secret_count, 0);
    assert_int_equal(t->limits.tmp_mb, 64);
    assert_int_equal(t->launcher, 1); /* files */
    manifests_free(m);
    m = load(HEAD "network: {mode: proxy, max_bytes: 9, allow: "
                  "['a.example:8443', {host: '::1', addresses: ['::/64']}]}\n"
                  "secrets: {A1_B: {credential: c}}\nlimits: {tmp_mb: 3}\n"
                  "digest: \"00ff00000000000000000000000000000000000000000000"
                  "00000000000000ab\"\n",
             &all_facts);
    t = &m->list[0];
    assert_int_equal(t->box, BOX_FULL); /* a proxy needs a namespace */
    assert_true(ts_str_eq_c(t->seccomp, "net"));
    assert_int_equal(t->launcher, 3);
    assert_int_equal(t->network.allow_count, 2);
    assert_true(ts_str_eq_c(t->network.allow[0].host, "a.example"));
    assert_int_equal(t->network.allow[0].ports[0], 8443);
    assert_int_equal(t->network.allow[1].ports[0], 443);
    assert_int_equal(t->network.allow[1].addresses[0].prefix, 64);
    assert_int_equal(t->network.max_connections, 64);
    assert_int_equal(t->network.max_bytes, 9);
    assert_int_equal(t->secrets[0].source, SECRET_CREDENTIAL);
    assert_int_equal(t->secrets[0].delivery, SECRET_PIPE);
    assert_true(ts_str_eq_c(t->secrets[0].name, "A1_B"));
    assert_int_equal(t->limits.tmp_mb, 3);
    assert_int_equal(t->program_digest[1], 0xff);
    assert_int_equal(t->program_digest[31], 0xab);
    manifests_free(m);
}

static void box_is_refused_where_the_service_lacks_what_it_needs(void **state)
{
    static const struct {
        const char *text, *where;
        struct manifest_facts facts;
    } rows[] = {
        {ALLOW, "4: network: this sidecar has no broker", {.launchers = 6}},
        {"identity_token: {audience: a}\n",
         "4: identity_token: this sidecar has no key",
         {.launchers = 6}},
        {"sandbox: strict\n",
         "4: sandbox: needs strict",
         {.most = BOX_FULL, .launchers = 6}},
        {"seccomp: net\n",
         "1: sandbox: needs full",
         {.most = BOX_UID, .launchers = 6}},
        {"seccomp: mine\n",
         "4: seccomp: this profile came after",
         {.launchers = 5}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512], where[256];
        struct manifests *m;

        (void)snprintf(text, sizeof(text), HEAD "%s", rows[i].text);
        (void)snprintf(where, sizeof(where), "tools/t.yaml:%s", rows[i].where);
        m = load(text, &rows[i].facts);
        assert_int_equal(m->refused_count, 1);
        if (strncmp(m->refused[0].text.ptr, where, strlen(where)) != 0)
            fail_msg("got: %s\nnot: %s", m->refused[0].text.ptr, where);
        manifests_free(m);
    }
}

static void
profiles_are_counted_and_found_in_the_order_of_launchers(void **state)
{
    struct bundle_file f[] = {{TS_STR_LIT("sandbox/a.yaml"), TS_STR_LIT("")},
                              {TS_STR_LIT("sandbox/b.yaml"), TS_STR_LIT("")},
                              {TS_STR_LIT("sandbox/c.txt"), TS_STR_LIT("")},
                              {TS_STR_LIT("tools/x.yaml"), TS_STR_LIT("")}};
    const struct bundle b = {.files = f, .count = 4};
    static const char *const names[] = {"pure", "files", "build", "net",
                                        "jit",  "a",     "b"};
    uint32_t at = 99;

    (void)state;
    assert_int_equal(manifest_profile_count(&b), 7);
    for (uint32_t i = 0; i < 7; i++) {
        assert_true(manifest_profile_index(&b, ts_str_of(names[i]), &at));
        assert_int_equal(at, i);
    }
    at = 99;
    assert_false(manifest_profile_index(&b, TS_STR_LIT("c"), &at));
    assert_false(manifest_profile_index(&b, TS_STR_LIT(""), &at));
    assert_int_equal(at, 99);
}

static void box_out_of_memory_anywhere_leaks_nothing(void **state)
{
    static const char text[] =
        HEAD TLS "secrets: {K: {file: /s/k, as: header, header: A, hosts: "
                 "[a.example]}}\nrequire: [landlock]\n";

    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        for (int nth = 0;; nth++) {
            struct bundle_file f = {TS_STR_LIT("tools/t.yaml"),
                                    {text, sizeof(text) - 1}};
            const struct bundle b = {.files = &f, .count = 1};
            struct manifests *m = NULL;
            char err[512];
            ts_err e;

            fault_mem_arm(nth, persistent != 0);
            e = manifests_load(&b, &all_facts, 1, &m, err, sizeof(err));
            if (e == TS_OK) /* never half of it: what was read is whole */
                assert_int_equal(m->count, 1);
            manifests_free(m);
            assert_int_equal(fault_mem_live(), 0);
            if (!fault_mem_fired())
                break;
            assert_int_not_equal(e, TS_OK);
        }
    }
    fault_mem_disarm();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(box_mistake_names_line_and_remedy),
        cmocka_unit_test(box_combinations_that_work_are_served),
        cmocka_unit_test(box_values_are_read_with_their_defaults),
        cmocka_unit_test(box_is_refused_where_the_service_lacks_what_it_needs),
        cmocka_unit_test(
            profiles_are_counted_and_found_in_the_order_of_launchers),
        cmocka_unit_test(box_out_of_memory_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
