/* What a profile's calls ask of the box: by what the finished profile lets
 * through, under whatever name and by whatever rule. */
#include "tests/lib/ts_test.h"

#include <stdio.h>

#include "sidecar/launcher/layers/filter_needs.h"
#include "sidecar/sandbox/profile.h"

static struct filter_needs of_text(const char *text)
{
    const struct sandbox_source s = {"sandbox/mine.yaml", ts_str_of(text)};
    struct filter_needs n = {.net_ns = false};
    struct sandbox_profile *p;
    struct ts_arena a;
    char why[256] = "";

    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    if (sandbox_profile_read(&s, &a, &p, why, sizeof(why)) != TS_OK)
        fail_msg("%s", why);
    assert_int_equal(filter_needs_of(p, &n), TS_OK);
    ts_arena_done(&a);
    return n;
}

static struct filter_needs of(const char *extends, const char *more)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "name: mine\ndescription: mine\nextends: %s\n%s", extends,
                   more);
    return of_text(text);
}

static void built_in_profiles_need_what_their_calls_reach(void **state)
{
    static const struct {
        const char *name;
        bool net;
    } all[] = {{"pure", false},
               {"files", false},
               {"build", false},
               {"net", true},
               {"jit", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct filter_needs n = of(all[i].name, "");

        assert_int_equal(n.net_ns, all[i].net);
        assert_false(n.ipc_ns);
        assert_false(n.no_reuse);
    }
}

/* An open folder of a box's /tmp would outlive the tool that sent it. */
static void who_can_send_descriptors_leaves_no_box_to_others(void **state)
{
    static const char *const rules[] = {
        "arg0 == AF_UNIX",
        "arg0 == AF_UNIX and arg1 == 0x80005",
        "arg0 == AF_UNIX and arg1 == 0x802 and arg2 == 1",
        "arg1 & 0xf == SOCK_STREAM",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        char text[256];

        (void)snprintf(text, sizeof(text),
                       "rules:\n  socket:\n    allow: [\"%s\"]\n", rules[i]);
        if (!of("files", text).no_reuse)
            fail_msg("%s", rules[i]);
    }
    assert_true(of("files", "allow: [socket]\n").no_reuse);
    assert_true(of("files", "allow: [socketpair]\n").no_reuse);
    assert_true(of("files", "allow: [io_uring_setup]\n").no_reuse);
    assert_true(of("files", "refuse: [flock]\n").no_reuse); /* of us, too */
    assert_false(of("files", "rules:\n  socket:\n"
                             "    allow: [\"arg0 == AF_INET\"]\n")
                     .no_reuse);
}

static void any_socket_at_all_needs_a_network_namespace(void **state)
{
    static const char *const rules[] = {
        "arg0 == AF_INET",
        "arg0 == AF_INET and arg1 == 0x80001", /* with SOCK_CLOEXEC alone */
        "arg0 == AF_INET6 and arg1 == 2 and arg2 == 17",
        "arg0 == 39",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        char text[256];

        (void)snprintf(text, sizeof(text),
                       "rules:\n  socket:\n    allow: [\"%s\"]\n", rules[i]);
        assert_true(of("files", text).net_ns);
    }
    assert_true(of("files", "allow: [socket]\n").net_ns);
    assert_true(of("files", "allow: [socketpair]\n").net_ns);
    assert_true(of("files", "rules:\n  socketpair:\n"
                            "    allow: [\"arg1 == 0x80002\"]\n")
                    .net_ns);
    assert_true(of("files", "allow: [io_uring_setup]\n").net_ns);
    assert_false(of("net", "refuse: [socket]\n").net_ns);
}

static void any_call_on_shared_objects_needs_an_ipc_namespace(void **state)
{
    static const char *const calls[] = {
        "shmget", "shmat",      "shmctl", "semget",   "semop",
        "semctl", "semtimedop", "msgget", "msgsnd",   "msgrcv",
        "msgctl", "mq_open",    "@ipc",   "mq_unlink"};

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "allow: [\"%s\"]\n", calls[i]);
        if (!of("files", text).ipc_ns)
            fail_msg("%s", calls[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_profiles_need_what_their_calls_reach),
        cmocka_unit_test(any_socket_at_all_needs_a_network_namespace),
        cmocka_unit_test(any_call_on_shared_objects_needs_an_ipc_namespace),
        cmocka_unit_test(who_can_send_descriptors_leaves_no_box_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
