/*
 * Well-formed orders that the manifests do not allow, at every level: each is
 * refused by name, runs nothing, and the honest order behind it is served.
 */
#include "harness.h"
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "proto/wire/mp_write.h"

#define TOKEN "header.payload.signature"

static struct box box;
static char deep[70000];         /* a value that is too long */
static char inside[128];         /* a file beneath the root of "file" */
static char above[160];          /* the same place, and out of it */
static char linked[128];         /* a link out of it */
static char with_nul[] = "a\0b"; /* ends early for whoever takes it as text */

static const struct mode {
    const char *name;
    enum box_level most, demand;
    bool has_caps;
} modes[] = {
    {"bare", BOX_BARE, BOX_ANY, false},
    {"uid", BOX_UID, BOX_UID, true},
    {"full, unprivileged", BOX_FULL, BOX_FULL, false},
    {"full", BOX_FULL, BOX_FULL, true},
    {"strict", BOX_ANY, BOX_STRICT, true},
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

/* What an order says; "" or 0 as in an order. Strings of a value: NULL none. */
struct lie {
    const char *name;
    const char *tool;
    const char *what, *arg, *args_path; /* arguments */
    size_t arg_len;                     /* of arg, if it is no text */
    const char *more;                   /* one more argument, of that name */
    const char *path;                   /* of the order */
    enum order_access access;
    bool has_stdin, no_time;
    uint64_t generation;
    const char *token;
    uint32_t require;
    enum call_code code;
    const char *step;
};

static const struct lie lies[] = {
    {.name = "no such tool",
     .tool = "nix",
     .code = CODE_TOOL_UNKNOWN,
     .step = "tool"},
    {.name = "no tool", .tool = "", .code = CODE_TOOL_UNKNOWN, .step = "tool"},
    {.name = "a path as a tool",
     .tool = "../probe",
     .code = CODE_TOOL_UNKNOWN,
     .step = "tool"},
    {.name = "the next tool but for its last letter",
     .tool = "plai",
     .code = CODE_TOOL_UNKNOWN,
     .step = "tool"},
    {.name = "another launcher's tool",
     .tool = "pure",
     .code = CODE_TOOL_UNKNOWN,
     .step = "tool"},
    {.name = "another launcher's tool that writes",
     .tool = "build",
     .code = CODE_TOOL_UNKNOWN,
     .step = "tool"},
    {.name = "a program with another digest",
     .tool = "known",
     .code = CODE_TOOL_UNAVAILABLE,
     .step = "tool"},
    {.name = "generation 0",
     .tool = "plain",
     .generation = UINT64_MAX,
     .code = CODE_STALE_STATE,
     .step = "generation"},
    {.name = "the next generation",
     .tool = "plain",
     .generation = 2,
     .code = CODE_STALE_STATE,
     .step = "generation"},
    {.name = "an argument more",
     .tool = "plain",
     .more = "root",
     .code = CODE_BAD_ARGUMENTS,
     .step = "args"},
    {.name = "a NUL in an argument",
     .tool = "plain",
     .arg = with_nul,
     .arg_len = 3,
     .code = CODE_BAD_ARGUMENTS,
     .step = "args"},
    {.name = "an argument that is too long",
     .tool = "plain",
     .arg = deep,
     .code = CODE_BAD_ARGUMENTS,
     .step = "args"},
    {.name = "a path for a tool without one",
     .tool = "plain",
     .path = "/etc/passwd",
     .code = CODE_RESOURCE_UNAVAILABLE,
     .step = "path"},
    {.name = "access for a tool without a path",
     .tool = "plain",
     .access = ACCESS_WRITE,
     .code = CODE_RESOURCE_UNAVAILABLE,
     .step = "access"},
    {.name = "another path than the argument's",
     .tool = "file",
     .args_path = inside,
     .path = "/etc/passwd",
     .access = ACCESS_READ,
     .code = CODE_RESOURCE_UNAVAILABLE,
     .step = "path"},
    {.name = "no path",
     .tool = "file",
     .args_path = inside,
     .access = ACCESS_READ,
     .code = CODE_RESOURCE_UNAVAILABLE,
     .step = "path"},
    {.name = "no access",
     .tool = "file",
     .args_path = inside,
     .path = inside,
     .code = CODE_RESOURCE_UNAVAILABLE,
     .step = "access"},
    {.name = "a path outside the root",
     .tool = "file",
     .args_path = "/etc/passwd",
     .path = "/etc/passwd",
     .access = ACCESS_READ,
     .code = CODE_BAD_ARGUMENTS,
     .step = "args"},
    {.name = "a path up and out",
     .tool = "file",
     .args_path = above,
     .path = above,
     .access = ACCESS_READ,
     .code = CODE_BAD_ARGUMENTS,
     .step = "args"},
    {.name = "a link out",
     .tool = "file",
     .args_path = linked,
     .path = linked,
     .access = ACCESS_READ,
     .code = CODE_RESOURCE_UNAVAILABLE,
     .step = "openat2"},
    {.name = "standard input where there is none",
     .tool = "crowd",
     .has_stdin = true,
     .code = CODE_BAD_ARGUMENTS,
     .step = "stdin"},
    {.name = "no time",
     .tool = "plain",
     .no_time = true,
     .code = CODE_DEADLINE,
     .step = "deadline"},
    {.name = "a token for a tool without",
     .tool = "plain",
     .token = TOKEN,
     .code = CODE_LAUNCH_FAILED,
     .step = "token"},
    {.name = "no token",
     .tool = "speaks",
     .code = CODE_LAUNCH_FAILED,
     .step = "token"},
    {.name = "a token that is none",
     .tool = "speaks",
     .token = "a b",
     .code = CODE_LAUNCH_FAILED,
     .step = "token"},
    {.name = "a layer that there is not",
     .tool = "plain",
     .require = LAYER_CGROUP,
     .code = CODE_SANDBOX_UNAVAILABLE,
     .step = "cgroup"},
    {.name = "a tool that needs what there is not",
     .tool = "needs",
     .code = CODE_TOOL_UNAVAILABLE,
     .step = "tool"},
};
#define LIES (sizeof(lies) / sizeof(lies[0]))

static void put_pair(struct mp_writer *w, const char *key, const char *value,
                     size_t len)
{
    mp_write_cstr(w, key);
    mp_write_str(w, value, len != 0 ? len : strlen(value));
}

static size_t args_of(const struct lie *x, uint8_t *out, size_t cap)
{
    struct mp_writer w;
    size_t len = 0;

    mp_writer_init(&w, out, cap);
    mp_write_map(&w, 1u + (x->arg != NULL) + (x->args_path != NULL) +
                         (x->more != NULL));
    put_pair(&w, "what", x->what != NULL ? x->what : "sleep", 0);
    if (x->arg != NULL)
        put_pair(&w, "arg", x->arg, x->arg_len);
    if (x->args_path != NULL)
        put_pair(&w, "path", x->args_path, 0);
    if (x->more != NULL)
        put_pair(&w, x->more, "x", 0);
    assert_int_equal(mp_written(&w, &len), TS_OK);
    return len;
}

static uint64_t send_lie(const struct mode *m, const struct lie *x)
{
    static uint8_t buf[TS_ORDER_MAX + 1], args[TS_ARGS_MAX];
    struct order o = {.order_id = ++box.last_id,
                      .generation = x->generation == 0 ? 1 : x->generation,
                      .tool = ts_str_of(x->tool),
                      .path = ts_str_of(x->path),
                      .access = x->access,
                      .wall_ms = x->no_time ? 0 : UINT64_MAX,
                      .output_max = UINT64_MAX,
                      .has_stdin = x->has_stdin,
                      .token = ts_str_of(x->token),
                      .box = m->demand,
                      .require = x->require};
    size_t len = 0;

    if (o.generation == UINT64_MAX)
        o.generation = 0;
    o.args = (struct ts_bytes){args, args_of(x, args, sizeof(args))};
    buf[0] = HOP_ORDER;
    assert_int_equal(order_encode(&o, buf + 1, sizeof(buf) - 1, &len), TS_OK);
    assert_int_equal(send(box.orders, buf, len + 1, MSG_NOSIGNAL),
                     (ssize_t)len + 1);
    return o.order_id;
}

static void tell(const struct mode *m, const struct lie *x)
{
    const struct call c = {
        .tool = "plain", .what = "exit", .arg = "3", .box = m->demand};
    struct outcome o;

    box_wait_start(&box, send_lie(m, x), &o);
    if (o.started)
        fail_msg("%s: %s: it runs", m->name, x->name);
    if (o.code != x->code || strcmp(o.step, x->step) != 0)
        fail_msg("%s: %s: \"%s\" at %s: %s", m->name, x->name,
                 call_code_name(o.code), o.step, o.text);
    assert_int_equal(box_count_probes(&box), 0);
    box_run(&box, &c, &o);
    assert_true(o.started);
    assert_int_equal(o.exited.exit_code, 3);
}

static void name_paths(void)
{
    memset(deep, 'x', sizeof(deep) - 1);
    box_path(&box, "space/in.txt", inside, sizeof(inside));
    box_path(&box, "space/../secret.txt", above, sizeof(above));
    box_path(&box, "space/link", linked, sizeof(linked));
}

static bool open_mode(const struct mode *m)
{
    if (m->has_caps && getuid() != 0) {
        print_message("SKIPPED: %s needs root\n", m->name);
        return false;
    }
    if (m->demand >= BOX_FULL && !host_gives_full(m->has_caps))
        return false;
    box_open_at(&box, m->most, m->has_caps);
    name_paths();
    return true;
}

static void lie_is_refused_by_name_and_the_next_order_served(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODES; i++) {
        int before;

        if (!open_mode(&modes[i]))
            continue;
        for (size_t k = 0; k < 10; k++) /* what stands by is made */
            tell(&modes[i], &lies[0]);
        before = box_count_fds(&box);
        for (size_t k = 0; k < LIES; k++)
            tell(&modes[i], &lies[k]);
        assert_int_equal(box_count_fds(&box), before);
        box_close(&box);
    }
}

/* Every level above what may be given, and every layer that is not there. */
static void demand_is_met_or_refused_never_less(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODES; i++) {
        if (!open_mode(&modes[i]))
            continue;
        for (int level = BOX_ANY; level <= BOX_STRICT; level++) {
            for (uint32_t bit = 0; bit <= LAYER_OWN_FILTER;
                 bit = bit == 0 ? 1 : bit << 1) {
                const struct call c = {.tool = "plain",
                                       .what = "exit",
                                       .arg = "3",
                                       .box = (enum box_level)level,
                                       .require = bit};
                struct outcome o;

                box_run(&box, &c, &o);
                if (o.started) {
                    assert_true((int)o.on_start.box >= level);
                    assert_int_equal(o.on_start.layers & bit, bit);
                } else {
                    assert_int_equal(o.code, CODE_SANDBOX_UNAVAILABLE);
                    assert_true(o.step[0] != '\0');
                }
            }
        }
        box_close(&box);
    }
}

static int close_each(void **state)
{
    (void)state;
    if (box.pid > 0)
        box_close(&box);
    return 0;
}

#define EACH(f) cmocka_unit_test_teardown(f, close_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(lie_is_refused_by_name_and_the_next_order_served),
        EACH(demand_is_met_or_refused_never_less),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
