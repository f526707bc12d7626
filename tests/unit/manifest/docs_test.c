/* docs/TOOLS.md: every yaml block is a manifest that is served, and its tables
 * have every key that a manifest may have and no other. The examples of
 * tipstaff-tool(5) are served, too. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest_priv.h"

static const struct manifest_facts facts = {.has_broker = true,
                                            .has_token_key = true};

static char doc[65536], page[65536];

static void read_whole(const char *path, char out[65536])
{
    FILE *f = fopen(path, "rbe");
    size_t n;

    assert_non_null(f);
    n = fread(out, 1, 65535, f);
    (void)fclose(f);
    out[n] = '\0';
}

static int setup(void **state)
{
    (void)state;
    read_whole(TOOLS_MANUAL, doc);
    read_whole(TOOLS_PAGE, page);
    return 0;
}

/* The blocks that begin so are served; returns how many there are. */
static int served(char *text, const char *opening)
{
    int blocks = 0;

    for (char *p = text; (p = strstr(p, opening)) != NULL;) {
        char *start = strchr(p, '\n') + 1, *end = strstr(start, "```");
        struct bundle_file file = {TS_STR_LIT("tools/x.yaml"), {start, 0}};
        const struct bundle b = {.files = &file, .count = 1};
        struct manifests *m = NULL;
        char err[512];

        assert_non_null(end);
        file.content.len = (size_t)(end - start);
        assert_int_equal(manifests_load(&b, &facts, 1, &m, err, sizeof(err)),
                         TS_OK);
        if (m->refused_count > 0)
            fail_msg("block %d: %s", blocks + 1, m->refused[0].text.ptr);
        manifests_free(m);
        blocks++;
        p = end + 3;
    }
    return blocks;
}

static void tools_manual_examples_are_all_served(void **state)
{
    (void)state;
    assert_true(served(doc, "```yaml\n") >= 12);
    assert_int_equal(served(page, "```\ntool: "), 2);
}

static bool has_key(const struct manifest_map *map, struct ts_str key)
{
    for (size_t i = 0; i < map->count; i++)
        if (ts_str_eq_c(key, map->keys[i].name))
            return true;
    return false;
}

/* The keys in the first column of a table row, each in backquotes. */
static void check_row(const struct manifest_map *map, const char *row,
                      bool seen[])
{
    const char *end = strchr(row + 1, '|'), *p = row;

    while ((p = strchr(p, '`')) != NULL && p < end) {
        const char *stop = strchr(p + 1, '`');
        struct ts_str key = {p + 1, (size_t)(stop - p - 1)};

        if (!has_key(map, key))
            fail_msg("%s has no key %.*s", map->name, (int)key.len, key.ptr);
        for (size_t i = 0; i < map->count; i++)
            seen[i] = seen[i] || ts_str_eq_c(key, map->keys[i].name);
        p = stop + 1;
    }
}

/* The table that follows a line: its rows up to one that is none. */
static void check_table(const struct manifest_map *map, const char *after)
{
    const char *p = strstr(doc, after);
    bool seen[64] = {false};
    int rows = 0;

    if (p == NULL)
        fail_msg("no \"%s\"", after);
    p = strstr(p, "\n|---");
    assert_non_null(p);
    assert_true(map->count <= 64);
    for (p = strchr(p + 1, '\n') + 1; *p == '|'; p = strchr(p, '\n') + 1) {
        check_row(map, p, seen);
        rows++;
    }
    assert_true(rows > 0);
    for (size_t i = 0; i < map->count; i++)
        if (!seen[i])
            fail_msg("%s: no row for %s", after, map->keys[i].name);
}

static void tools_manual_tables_have_every_key_and_no_other(void **state)
{
    (void)state;
    check_table(&manifest_top, "\n## Keys\n");
    check_table(&manifest_arg_map, "\n### args\n");
    check_table(&manifest_limits_map, "\n### limits\n");
    check_table(&manifest_network_map, "\n### network\n");
    check_table(&manifest_host_map, "\nAn entry of `allow`:\n");
    check_table(&manifest_secret_map, "\n### secrets\n");
    check_table(&manifest_output_map, "\n### output\n");
}

/* Those of small maps stand in the row of the map itself. */
static void tools_manual_rows_name_the_keys_of_small_maps(void **state)
{
    static const struct {
        const char *row;
        const struct manifest_map *map;
    } rows[] = {{"\n| `resource` |", &manifest_resource_map},
                {"\n| `identity_token` |", &manifest_token_map},
                {"\n| `selectors` |", &manifest_selectors_map}};

    (void)state;
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        const char *p = strstr(doc, rows[r].row);
        const char *end;

        assert_non_null(p);
        end = strchr(p + 1, '\n');
        for (size_t i = 0; i < rows[r].map->count; i++) {
            char key[64];
            const char *at;

            (void)snprintf(key, sizeof(key), "`%s`", rows[r].map->keys[i].name);
            at = strstr(p, key);
            if (at == NULL || at > end)
                fail_msg("%s lacks %s", rows[r].row, key);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tools_manual_examples_are_all_served),
        cmocka_unit_test(tools_manual_tables_have_every_key_and_no_other),
        cmocka_unit_test(tools_manual_rows_name_the_keys_of_small_maps),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
