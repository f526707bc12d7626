#include "tests/lib/ts_test.h"

#include <string.h>

#include "cli/directory/patch_path.h"

struct row {
    const char *text;
    enum patch_list list;
    const char *attr, *id, *field, *name, *item; /* item "#5": number 5 */
};

static const struct row good[] = {
    {"users", PATCH_USERS, NULL, NULL, "", "", NULL},
    {"agents", PATCH_AGENTS, NULL, NULL, "", "", NULL},
    {"approvers", PATCH_APPROVERS, NULL, NULL, "", "", NULL},
    {"groups", PATCH_GROUPS, NULL, NULL, "", "", NULL},
    {"users[id eq \"bob\"]", PATCH_USERS, "id", "bob", "", "", NULL},
    {"users[id eq \"\"]", PATCH_USERS, "id", "", "", "", NULL},
    {"users[id eq \"bob\"].active", PATCH_USERS, "id", "bob", "active", "",
     NULL},
    {"users[id eq \"b] x\"].groups", PATCH_USERS, "id", "b] x", "groups", "",
     NULL},
    {"users[id eq \"bob\"].attrs.dept", PATCH_USERS, "id", "bob", "attrs",
     "dept", NULL},
    {"users[id eq \"bob\"].groups[value eq \"ops\"]", PATCH_USERS, "id", "bob",
     "groups", "", "ops"},
    {"agents[id eq \"a/b\"].uids[value eq 5]", PATCH_AGENTS, "id", "a/b",
     "uids", "", "#5"},
    {"agents[id eq \"a\"].uids[value eq 0]", PATCH_AGENTS, "id", "a", "uids",
     "", "#0"},
    {"approvers[kid eq \"00ff\"].max_depth", PATCH_APPROVERS, "kid", "00ff",
     "max_depth", "", NULL},
    {"users.active", PATCH_USERS, NULL, NULL, "active", "", NULL},
};

static void check(const struct row *r, const struct patch_path *p)
{
    assert_int_equal(p->list, r->list);
    assert_int_equal(p->has_filter, r->attr != NULL);
    if (r->attr != NULL) {
        assert_true(ts_str_eq_c(p->attr, r->attr));
        assert_true(ts_str_eq_c(p->id, r->id));
    }
    assert_true(ts_str_eq_c(p->field, r->field));
    assert_true(ts_str_eq_c(p->name, r->name));
    assert_int_equal(p->has_item, r->item != NULL);
    if (r->item == NULL)
        return;
    assert_int_equal(p->item_is_number, r->item[0] == '#');
    if (p->item_is_number)
        assert_int_equal(p->number, (unsigned)(r->item[1] - '0'));
    else
        assert_true(ts_str_eq_c(p->item, r->item));
}

static void patch_path_parse_known_forms_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct patch_path p;
        const char *what = NULL;

        assert_int_equal(patch_path_parse(ts_str_of(good[i].text), &p, &what),
                         TS_OK);
        check(&good[i], &p);
    }
}

static void patch_path_parse_everything_else_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " users",
        "users ",
        "user",
        "Users",
        "users[",
        "users[]",
        "users[id]",
        "users[id eq]",
        "users[id eq \"bob\"",
        "users[id eq \"bob]",
        "users[id eq bob]",
        "users[id EQ \"bob\"]",
        "users[id  eq \"bob\"]",
        "users[id eq  \"bob\"]",
        "users[id ne \"bob\"]",
        "users[id eq \"bob\" and active eq true]",
        "users[id eq \"b\\\"ob\"]",
        "users[id eq \"b\nob\"]",
        "users[ id eq \"bob\"]",
        "users[id eq \"bob\"]active",
        "users[id eq \"bob\"].",
        "users[id eq \"bob\"]..active",
        "users[id eq \"bob\"].Active",
        "users[id eq \"bob\"].attrs.",
        "users[id eq \"bob\"].attrs.dept.x",
        "users[id eq \"bob\"].attrs.dept[value eq \"x\"]",
        "users[id eq \"bob\"].groups[",
        "users[id eq \"bob\"].groups[id eq \"x\"]",
        "users[id eq \"bob\"].groups[value eq x]",
        "users[id eq \"bob\"].groups[value eq \"x\"",
        "users[id eq \"bob\"].groups[value eq \"x\"].y",
        "users[id eq \"bob\"][id eq \"bob\"]",
        "agents[id eq \"a\"].uids[value eq 01]",
        "agents[id eq \"a\"].uids[value eq -1]",
        "agents[id eq \"a\"].uids[value eq 18446744073709551616]",
        "urn:ietf:params:scim:schemas:core:2.0:User:active",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct patch_path p = {.number = 99};
        const char *what = NULL;

        assert_int_equal(patch_path_parse(ts_str_of(bad[i]), &p, &what),
                         TS_E_FORMAT);
        assert_non_null(what);
        assert_int_equal(p.number, 99); /* untouched */
    }
}

static void patch_path_parse_every_truncation_is_refused_or_shorter(void **s)
{
    const struct ts_str full =
        TS_STR_LIT("users[id eq \"bob\"].groups[value eq \"ops\"]");
    size_t accepted = 0;

    (void)s;
    for (size_t n = 0; n < full.len; n++) {
        struct patch_path p;
        const char *what = NULL;

        if (patch_path_parse((struct ts_str){full.ptr, n}, &p, &what) != TS_OK)
            continue;
        accepted++;
        assert_false(p.has_item);
        assert_true(p.field.len < 7 || full.ptr[n] == '[');
    }
    assert_int_equal(accepted, 8); /* users, the filter, g .. groups */
}

static void patch_path_parse_a_path_over_1024_bytes_is_refused(void **state)
{
    char text[PATCH_PATH_MAX + 2];
    struct patch_path p;
    const char *what = NULL;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "users.", 6);
    assert_int_equal(
        patch_path_parse((struct ts_str){text, PATCH_PATH_MAX}, &p, &what),
        TS_OK);
    assert_int_equal(
        patch_path_parse((struct ts_str){text, PATCH_PATH_MAX + 1}, &p, &what),
        TS_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patch_path_parse_known_forms_are_read),
        cmocka_unit_test(patch_path_parse_everything_else_is_refused),
        cmocka_unit_test(
            patch_path_parse_every_truncation_is_refused_or_shorter),
        cmocka_unit_test(patch_path_parse_a_path_over_1024_bytes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
