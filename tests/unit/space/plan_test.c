/* Which mounts a path set becomes: every rule as a row. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/launcher/space/plan.h"
#include "sidecar/launcher/space/space.h"
#include "tests/lib/fault_mem.h"

#define R  SPACE_READ
#define W  (SPACE_READ | SPACE_WRITE)
#define WX (SPACE_READ | SPACE_WRITE | SPACE_EXEC)
#define X  SPACE_RUN
#define P  SPACE_PLACE

struct row {
    const char *name;
    struct plan_input in[6];
    /* "place:where=flags" of each mount, then "link:at>to", then
     * "tmp:at[>from]", each with a space after it */
    const char *want;
};

/* Path and real the same. */
#define AT(p, f, d)                                                            \
    {                                                                          \
        .path = (p), .real = (p), .flags = (f), .is_dir = (d), .ino = 7        \
    }
#define LINKED(p, r, f)                                                        \
    {                                                                          \
        .path = (p), .real = (r), .flags = (f), .is_dir = true, .ino = 8       \
    }

static const struct row rows[] = {
    {"nothing", {{0}}, ""},
    {"one", {AT("/srv/a", R, true)}, "root:/srv/a=1 "},
    {"the_same_twice_wants_both",
     {AT("/srv/a", R, true), AT("/srv/a", W, true)},
     "root:/srv/a=3 "},
    {"beneath_with_less_is_covered",
     {AT("/srv/a/b", R, true), AT("/srv/a", W, true)},
     "root:/srv/a=3 "},
    {"beneath_with_more_is_mounted_in_it",
     {AT("/srv/a/b", W, true), AT("/srv/a", R, true)},
     "root:/srv/a=1 mount:/srv/a/b=3 "},
    {"a_name_that_only_begins_alike_is_not_beneath",
     {AT("/srv/a", W, true), AT("/srv/ab", R, true)},
     "root:/srv/a=3 root:/srv/ab=1 "},
    {"a_dash_sorts_before_a_slash_but_is_not_beneath",
     {AT("/srv/a", R, true), AT("/srv/a-b", R, true), AT("/srv/a/c", W, true)},
     "root:/srv/a=1 mount:/srv/a/c=3 root:/srv/a-b=1 "},
    {"a_program_in_a_written_folder_stays_read_only",
     {AT("/srv/a", W, true), AT("/srv/a/run", X, false)},
     "root:/srv/a=3 mount:/srv/a/run=16 "},
    {"a_program_in_a_folder_that_may_run_is_covered",
     {AT("/srv/a", WX, true), AT("/srv/a/run", X, false)},
     "root:/srv/a=7 "},
    {"a_program_in_a_read_folder_is_covered",
     {AT("/usr", R, true), AT("/usr/bin/cat", X, false)},
     "root:/usr=1 "},
    {"three_deep",
     {AT("/a", R, true), AT("/a/b", W, true), AT("/a/b/c", WX, true)},
     "root:/a=1 mount:/a/b=3 mount:/a/b/c=7 "},
    {"a_place_is_made", {AT("/srv/cwd", P, true)}, "root:/srv/cwd=8 "},
    {"a_place_beneath_a_path_is_there",
     {AT("/srv", R, true), AT("/srv/cwd", P, true)},
     "root:/srv=1 "},
    {"a_path_beneath_a_place_is_mounted",
     {AT("/srv/cwd", P, true), AT("/srv/cwd/a", R, true)},
     "root:/srv/cwd=8 root:/srv/cwd/a=1 "},
    {"the_root_as_a_place_needs_nothing", {AT("/", P, true)}, ""},
    {"beneath_etc_the_place_is_in_the_shared_one",
     {AT("/etc/app", R, true)},
     "etc:/etc/app=1 "},
    {"all_of_etc_replaces_ours", {AT("/etc", R, true)}, "root:/etc=1 "},
    {"a_link_is_shown",
     {LINKED("/srv/l", "/data/d", R)},
     "root:/data/d=1 link:/srv/l>/data/d "},
    {"links_shorter_first",
     {LINKED("/srv/l/m", "/data/d/m", R), LINKED("/srv/l", "/data/d", R)},
     "root:/data/d=1 link:/srv/l>/data/d link:/srv/l/m>/data/d/m "},
    {"beneath_tmp_waits_in_the_stash",
     {AT("/tmp/w/x", W, true)},
     "root:/run/root/tmp/w/x=3 tmp:w tmp:w/x>/run/root/tmp/w/x "},
    {"two_beneath_tmp_share_parents",
     {AT("/tmp/w/x", W, true), AT("/tmp/w/y", R, true)},
     "root:/run/root/tmp/w/x=3 root:/run/root/tmp/w/y=1 tmp:w "
     "tmp:w/x>/run/root/tmp/w/x tmp:w/y>/run/root/tmp/w/y "},
    {"nested_beneath_tmp_follows",
     {AT("/tmp/w", R, true), AT("/tmp/w/x", W, true)},
     "root:/run/root/tmp/w=1 mount:/run/root/tmp/w/x=3 "
     "tmp:w>/run/root/tmp/w "},
    {"a_place_beneath_tmp_is_made_in_each",
     {AT("/tmp/cwd/x", P, true)},
     "root:/run/root/tmp/cwd/x=8 tmp:cwd tmp:cwd/x "},
    {"tmp_as_a_place_is_the_private_one", {AT("/tmp", P, true)}, ""},
    {"tmp_itself_is_the_hosts",
     {AT("/tmp", R, true), AT("/tmp/w", W, true)},
     "root:/tmp=1 mount:/tmp/w=3 "},
    {"a_link_beneath_tmp_is_made_in_each",
     {LINKED("/tmp/l/m", "/data/d", R)},
     "root:/data/d=1 tmp:l tmp:l/m>/data/d "},
    {"a_link_of_tmp_that_follows_another_needs_none",
     {LINKED("/tmp/l", "/data/d", R), LINKED("/tmp/l/m", "/data/d/m", R)},
     "root:/data/d=1 tmp:l>/data/d "},
    {"a_link_in_a_folder_of_tmp_is_there_with_it",
     {AT("/tmp/w", W, true), LINKED("/tmp/w/l", "/data/d", R)},
     "root:/data/d=1 root:/run/root/tmp/w=3 tmp:w>/run/root/tmp/w "},
};

static void show(const struct space_plan *p, char *out, size_t cap)
{
    static const char *const places[] = {"root", "etc", "mount"};
    size_t n = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < p->mount_count; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s:%s=%u ",
                              places[p->mounts[i].place], p->mounts[i].where,
                              p->mounts[i].flags);
    for (uint32_t i = 0; i < p->link_count; i++)
        n += (size_t)snprintf(out + n, cap - n, "link:%s>%s ", p->links[i].at,
                              p->links[i].to);
    for (uint32_t i = 0; i < p->inner_count; i++)
        n += (size_t)snprintf(out + n, cap - n, "tmp:%s%s%s ", p->inner[i].at,
                              p->inner[i].from != NULL ? ">" : "",
                              p->inner[i].from != NULL ? p->inner[i].from : "");
}

static uint32_t count_of(const struct plan_input *in)
{
    uint32_t n = 0;

    while (n < 6 && in[n].path != NULL)
        n++;
    return n;
}

static void plan_of_each_row_is_as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why = "";
        uint32_t which = 0;
        struct ts_arena a;
        struct space_plan p;
        char text[2048];

        ts_arena_init(&a, 1u << 20);
        assert_int_equal(
            plan_make(&a, rows[i].in, count_of(rows[i].in), &p, &why, &which),
            TS_OK);
        show(&p, text, sizeof(text));
        if (strcmp(text, rows[i].want) != 0)
            print_error("%s\n  is   %s\n  want %s\n", rows[i].name, text,
                        rows[i].want);
        assert_string_equal(text, rows[i].want);
        ts_arena_done(&a);
    }
}

/* The order in which a manifest lists its paths changes nothing. */
static void plan_of_reversed_inputs_is_equal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t n = count_of(rows[i].in), which = 0;
        struct plan_input back[6] = {{0}};
        struct space_plan p, q;
        const char *why = "";
        struct ts_arena a;

        for (uint32_t k = 0; k < n; k++)
            back[k] = rows[i].in[n - 1 - k];
        ts_arena_init(&a, 1u << 20);
        assert_int_equal(plan_make(&a, rows[i].in, n, &p, &why, &which), TS_OK);
        assert_int_equal(plan_make(&a, back, n, &q, &why, &which), TS_OK);
        assert_true(plan_equal(&p, &q));
        assert_int_equal(plan_hash(&p), plan_hash(&q));
        ts_arena_done(&a);
    }
}

static void plans_of_different_rows_are_not_equal(void **state)
{
    (void)state;
    for (size_t i = 1; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t k = 0; k < i; k++) {
            struct space_plan p, q;
            const char *why = "";
            uint32_t which = 0;
            struct ts_arena a;

            ts_arena_init(&a, 1u << 20);
            assert_int_equal(plan_make(&a, rows[i].in, count_of(rows[i].in), &p,
                                       &why, &which),
                             TS_OK);
            assert_int_equal(plan_make(&a, rows[k].in, count_of(rows[k].in), &q,
                                       &why, &which),
                             TS_OK);
            if (strcmp(rows[i].want, rows[k].want) != 0)
                assert_false(plan_equal(&p, &q));
            ts_arena_done(&a);
        }
    }
}

static void plan_of_the_kernels_places_is_refused(void **state)
{
    static const char *const bad[] = {
        "/",         "/proc",       "/proc/1/root",  "/sys",
        "/sys/fs",   "/dev",        "/dev/shm",      "/run",
        "/run/call", "/run/call/x", "/run/kernel/y", "(unreachable)/x",
        "/dev/sda"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct plan_input in[2] = {AT("/srv", R, true),
                                         {.path = "/x",
                                          .real = bad[i],
                                          .flags = R,
                                          .from = 5,
                                          .is_dir = true}};
        struct ts_arena a;
        struct space_plan p;
        const char *why = NULL;
        uint32_t which = 0;

        ts_arena_init(&a, 1u << 20);
        assert_int_equal(plan_make(&a, in, 2, &p, &why, &which), TS_E_INVALID);
        assert_int_equal(which, 5);
        assert_non_null(why);
        ts_arena_done(&a);
    }
}

static void plan_with_too_many_paths_beneath_tmp_is_refused(void **state)
{
    static char names[SPACE_INNER_MAX + 1][16];
    static struct plan_input in[SPACE_INNER_MAX + 1];
    const char *why = NULL;
    uint32_t which = 0;
    struct space_plan p;
    struct ts_arena a;

    (void)state;
    for (uint32_t i = 0; i <= SPACE_INNER_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "/tmp/x%u", i);
        in[i] = (struct plan_input){.path = names[i],
                                    .real = names[i],
                                    .flags = R,
                                    .from = i,
                                    .is_dir = true};
    }
    ts_arena_init(&a, 1u << 20);
    assert_int_equal(plan_make(&a, in, SPACE_INNER_MAX, &p, &why, &which),
                     TS_OK);
    assert_int_equal(plan_make(&a, in, SPACE_INNER_MAX + 1, &p, &why, &which),
                     TS_E_INVALID);
    ts_arena_done(&a);
}

static void plan_of_links_that_contradict_is_refused(void **state)
{
    const struct plan_input in[] = {LINKED("/tmp/l", "/data/d", R),
                                    LINKED("/tmp/l/m", "/data/e", R)};
    const char *why = NULL;
    uint32_t which = 0;
    struct space_plan p;
    struct ts_arena a;

    (void)state;
    ts_arena_init(&a, 1u << 20);
    assert_int_equal(plan_make(&a, in, 2, &p, &why, &which), TS_E_INVALID);
    ts_arena_done(&a);
}

static void names_inside_follow_the_stash(void **state)
{
    static const struct {
        const char *real, *want;
    } names[] = {{"/tmp", SPACE_TMP},
                 {"/tmp/w", "/run/root/tmp/w"},
                 {"/tmp/w/x/y", "/run/root/tmp/w/x/y"},
                 {"/tmp/wx", SPACE_TMP "/wx"},
                 {"/srv/a", "/srv/a"},
                 {"/tmpx", "/tmpx"},
                 {"/", "/"}};
    const struct plan_input in[] = {AT("/tmp/w", W, true)};
    const char *why = "", *got = NULL;
    struct space_plan p;
    struct ts_arena a;
    uint32_t which = 0;

    (void)state;
    ts_arena_init(&a, 1u << 20);
    assert_int_equal(plan_make(&a, in, 1, &p, &why, &which), TS_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(plan_inside(&a, &p, names[i].real, &got), TS_OK);
        assert_string_equal(got, names[i].want);
    }
    ts_arena_done(&a);
}

static ts_err make_all(const void *arg)
{
    const struct row *r = arg;
    const char *why = "";
    uint32_t which = 0;
    struct space_plan p;
    struct ts_arena a;
    ts_err e;

    ts_arena_init(&a, 1u << 20);
    e = plan_make(&a, r->in, count_of(r->in), &p, &why, &which);
    ts_arena_done(&a);
    return e;
}

static void plan_without_memory_says_so(void **state)
{
    (void)state;
    for (size_t i = 1; i < sizeof(rows) / sizeof(rows[0]); i++)
        fault_mem_sweep(make_all, &rows[i], TS_OK, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_of_each_row_is_as_written),
        cmocka_unit_test(plan_of_reversed_inputs_is_equal),
        cmocka_unit_test(plans_of_different_rows_are_not_equal),
        cmocka_unit_test(plan_of_the_kernels_places_is_refused),
        cmocka_unit_test(plan_with_too_many_paths_beneath_tmp_is_refused),
        cmocka_unit_test(plan_of_links_that_contradict_is_refused),
        cmocka_unit_test(names_inside_follow_the_stash),
        cmocka_unit_test(plan_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
