/* What a host has against a manifest whose program was opened. */
#include "tests/lib/ts_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sidecar/common/layer.h"
#include "sidecar/launcher/tools/tools.h"
#include "sidecar/launcher/tools/tools_host.h"

/*
 * DIR/open/inner/program  DIR/sticky/program  DIR/link -> open/inner/program
 * DIR/open/link -> ../closed/program  DIR/closed/program
 */
struct world {
    char dir[64];
    struct ts_arena arena;
    struct image image;
    char text[512];
};

static void at(const struct world *w, const char *name, char out[256])
{
    assert_true(snprintf(out, 256, "%s/%s", w->dir, name) < 256);
}

static void make_folder(const struct world *w, const char *name, mode_t mode)
{
    char path[256];

    at(w, name, path);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void make_program(const struct world *w, const char *name, mode_t mode)
{
    char path[256], buf[4096];
    int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), out;
    ssize_t n;

    at(w, name, path);
    out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    assert_true(in >= 0 && out >= 0);
    while ((n = read(in, buf, sizeof(buf))) > 0)
        assert_int_equal(write(out, buf, (size_t)n), n);
    (void)close(in);
    (void)close(out);
    assert_int_equal(chmod(path, mode), 0);
}

static void make_link(const struct world *w, const char *to, const char *name)
{
    char path[256];

    at(w, name, path);
    assert_int_equal(symlink(to, path), 0);
}

static void world_make(struct world *w)
{
    memset(w, 0, sizeof(*w));
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/tipstaff-host-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    ts_arena_init(&w->arena, 1 << 20);
    make_folder(w, "closed", 0755);
    make_folder(w, "sticky", 01777);
    make_folder(w, "open", 0777);
    make_folder(w, "open/inner", 0755);
    make_program(w, "closed/program", 0755);
    make_program(w, "closed/shared", 0757);
    make_program(w, "sticky/program", 0755);
    make_program(w, "open/inner/program", 0755);
    make_link(w, "open/inner/program", "link");
    make_link(w, "../closed/program", "open/link");
}

static void world_remove(struct world *w)
{
    static const char *const names[] = {"open/link",
                                        "link",
                                        "open/inner/program",
                                        "sticky/program",
                                        "closed/shared",
                                        "closed/program",
                                        "open/inner",
                                        "open",
                                        "sticky",
                                        "closed",
                                        ""};
    char path[256];

    ts_arena_done(&w->arena);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        at(w, names[i], path);
        assert_int_equal(remove(path), 0);
    }
}

/* Everything up to a uid of its own. */
static struct level_offer offer = {
    .given = {[BOX_BARE] = true, [BOX_UID] = true},
    .layers = {[BOX_BARE] = LAYER_FLOOR,
               [BOX_UID] = LAYER_FLOOR | (uint32_t)LAYER_UID}};

static bool refuses(struct world *w, const char *name, enum box_level box,
                    uint32_t require)
{
    const struct filter_key no_key = {{0, 0}}; /* there is no filter */
    struct manifest m = {.file = TS_STR_LIT("tools/x.yaml"),
                         .tool = TS_STR_LIT("x"),
                         .box = box,
                         .require = require};
    const char *why = "";
    char path[256];
    const struct tool_host host = {.offer = &offer, .most = BOX_ANY};
    bool refused;

    at(w, name, path);
    m.exec = ts_str_of(path);
    w->text[0] = '\0';
    if (image_open(m.exec, -1, &no_key, &w->arena, &w->image, &why) != TS_OK)
        fail_msg("%s", why);
    refused = tool_host_refuses(&m, &w->image, &host, w->text, sizeof(w->text));
    image_done(&w->image);
    return refused;
}

static void expect(const struct world *w, const char *a, const char *b)
{
    assert_non_null(strstr(w->text, "tools/x.yaml:"));
    if (strstr(w->text, a) == NULL || strstr(w->text, b) == NULL)
        fail_msg("%s", w->text);
}

static void program_in_a_closed_or_sticky_folder_is_served(void **s)
{
    struct world w;

    (void)s;
    world_make(&w);
    assert_false(refuses(&w, "closed/program", BOX_ANY, 0));
    assert_false(refuses(&w, "sticky/program", BOX_ANY, 0));
    world_remove(&w);
}

static void program_that_everybody_may_write_to_is_refused(void **s)
{
    struct world w;

    (void)s;
    world_make(&w);
    assert_true(refuses(&w, "closed/shared", BOX_ANY, 0));
    expect(&w, "exec: ", "chmod o-w");
    world_remove(&w);
}

/* At any depth, by the name that is written and by where its links lead. */
static void program_that_everybody_may_replace_is_refused(void **s)
{
    static const char *const names[] = {"open/inner/program", "link",
                                        "open/link"};
    char folder[300], open_dir[256];
    struct world w;

    (void)s;
    world_make(&w);
    at(&w, "open", open_dir);
    (void)snprintf(folder, sizeof(folder), "chmod o-w %s", open_dir);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(refuses(&w, names[i], BOX_ANY, 0));
        expect(&w, "exec: the folder ", folder);
    }
    world_remove(&w);
}

static void box_or_layer_that_is_not_given_is_refused_by_its_key(void **s)
{
    struct world w;

    (void)s;
    world_make(&w);
    assert_false(refuses(&w, "closed/program", BOX_UID, LAYER_UID));
    assert_true(refuses(&w, "closed/program", BOX_FULL, 0));
    expect(&w, "sandbox: full is not given", "tipstaff doctor");
    assert_true(refuses(&w, "closed/program", BOX_ANY, LAYER_CGROUP));
    expect(&w, "require: cgroup is not given", "tipstaff doctor");
    assert_true(refuses(&w, "closed/program", BOX_UID, LAYER_CGROUP));
    expect(&w, "require: cgroup is not given", "tipstaff doctor");
    /* what a profile with sockets demands of each of its tools */
    offer.demands = LAYER_NET_NS;
    assert_true(refuses(&w, "closed/program", BOX_UID, 0));
    expect(&w, "seccomp: ", "sockets");
    offer.demands = 0;
    world_remove(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program_in_a_closed_or_sticky_folder_is_served),
        cmocka_unit_test(program_that_everybody_may_write_to_is_refused),
        cmocka_unit_test(program_that_everybody_may_replace_is_refused),
        cmocka_unit_test(box_or_layer_that_is_not_given_is_refused_by_its_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
