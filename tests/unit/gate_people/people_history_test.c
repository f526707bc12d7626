#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "tests/lib/ts_test.h"

/*
 * Any history of directories that come by feed, by reload and by restart, two
 * tenants at once, beside a model of ten lines: what is in force never goes
 * back, and a refusal changes nothing.
 */
#define TENANTS  2
#define SEQS     6 /* numbers 1..6 */
#define VARIANTS 2 /* two states under each number */
#define STEPS    1500

static const char *const names[TENANTS] = {"acme", "beta"};

static struct fixture fix;
static struct ts_bytes objects[TENANTS][SEQS][VARIANTS];

struct version { /* seq 0: none */
    uint64_t seq;
    unsigned variant;
};

struct model {
    struct version mark, force, file;
    bool garbage; /* the file is no directory at all */
};

static struct model models[TENANTS];
static struct tenant_states states;
static uint64_t random_state = 88172645463325252u;

static unsigned pick(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % n);
}

static bool same(struct version a, struct version b)
{
    return a.seq == b.seq && a.variant == b.variant;
}

/* The whole rule: not below the mark, and not another one under its number. */
static bool acceptable(const struct model *m, struct version v)
{
    return v.seq > m->mark.seq || same(v, m->mark);
}

static struct ts_bytes bytes_of(unsigned t, struct version v)
{
    return objects[t][v.seq - 1][v.variant];
}

static struct version any_version(void)
{
    return (struct version){1 + pick(SEQS), pick(VARIANTS)};
}

/* What a gate does after a load or feed: journal, then the state. */
static void settle(unsigned t, struct version force)
{
    const struct snapshot_tenant *is =
        snapshot_tenant_find(fix.snapshot, ts_str_of(names[t]));
    struct tenant_state *s;

    models[t].force = force;
    assert_non_null(is);
    assert_int_equal(is->has_directory, force.seq > 0);
    assert_int_equal(is->people != NULL, force.seq > 0);
    if (force.seq == 0)
        return;
    assert_int_equal(is->people->seq, force.seq);
    assert_int_equal(is->people->users[1].group_count, 1 + force.variant);
    models[t].mark = force;
    assert_int_equal(tenant_states_get(&states, ts_str_of(names[t]), &s),
                     TS_OK);
    tenant_state_mark(s, is->people->seq, is->people->hash);
    assert_memory_equal(s->mark_hash, is->people->hash, TRUST_HASH_LEN);
}

static void step_feed(void)
{
    unsigned t = pick(TENANTS);
    struct version v = any_version();
    const struct model *m = &models[t];
    struct snapshot *s = NULL, *old = fix.snapshot;
    ts_err e = snapshot_with_directory(old, ts_str_of(names[t]), bytes_of(t, v),
                                       &fix.past, &s, fix.err, sizeof(fix.err));

    if (same(v, m->force)) {
        assert_int_equal(e, TS_E_EXISTS);
    } else if (!acceptable(m, v)) {
        assert_int_equal(e, TS_E_STATE);
    } else {
        assert_int_equal(e, TS_OK);
        assert_int_equal(s->people_serial, old->people_serial + 1);
        fix.snapshot = s;
        snapshot_free(old);
        settle(t, v);
        return;
    }
    assert_null(s);
}

static void step_file(void)
{
    unsigned t = pick(TENANTS), kind = pick(8);
    struct model *m = &models[t];
    char name[64];

    (void)snprintf(name, sizeof(name), "tenants/%s/directory.snapshot",
                   names[t]);
    m->garbage = kind == 0;
    m->file = kind < 2 ? (struct version){0} : any_version();
    if (kind == 0)
        fix_set(&fix, name, "garbage");
    else if (kind == 1)
        fix_set(&fix, name, NULL);
    else
        fix_set_bytes(&fix, name, bytes_of(t, m->file));
}

static void step_load(bool is_restart)
{
    uint64_t serial = fix.snapshot->people_serial;

    fix.past.held = is_restart ? NULL : fix.snapshot;
    fix_load_ok(&fix);
    fix.past.held = NULL;
    assert_int_equal(fix.snapshot->people_serial, is_restart ? 1 : serial + 1);
    for (unsigned t = 0; t < TENANTS; t++) {
        const struct model *m = &models[t];
        struct version held = is_restart ? (struct version){0} : m->force;
        bool taken = m->file.seq > 0 && acceptable(m, m->file);
        bool quiet = taken || (m->file.seq == 0 && !m->garbage && held.seq > 0);
        const struct snapshot_tenant *is =
            snapshot_tenant_find(fix.snapshot, ts_str_of(names[t]));

        assert_non_null(is);
        assert_int_equal(is->note == NULL, quiet);
        settle(t, taken ? m->file : held);
    }
}

static void T23_no_history_of_directories_goes_back(void **state)
{
    (void)state;
    for (int i = 0; i < STEPS; i++) {
        struct version before[TENANTS];
        bool is_restart = false;

        for (unsigned t = 0; t < TENANTS; t++)
            before[t] = models[t].mark;
        switch (pick(8)) {
        case 0:
            is_restart = true;
            step_load(true);
            break;
        case 1:
        case 2:
            step_load(false);
            break;
        case 3:
        case 4:
            step_file();
            break;
        default:
            step_feed();
        }
        for (unsigned t = 0; t < TENANTS; t++) {
            const struct model *m = &models[t];

            assert_true(m->mark.seq >= before[t].seq);
            assert_true(m->force.seq == 0 || same(m->force, m->mark));
            assert_true(is_restart || before[t].seq == 0 || m->mark.seq > 0);
        }
        if (i % 150 == 149) { /* a new sidecar: everything begins again */
            tenant_states_done(&states);
            memset(models, 0, sizeof(models));
            fix_set(&fix, "tenants/acme/directory.snapshot", NULL);
            fix_set(&fix, "tenants/beta/directory.snapshot", NULL);
            step_load(true);
        }
    }
}

static int setup(void **state)
{
    (void)state;
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    for (unsigned t = 0; t < TENANTS; t++) {
        char source[64];

        (void)snprintf(source, sizeof(source), "tenants/%s/directory.yaml",
                       names[t]);
        for (unsigned v = 0; v < VARIANTS; v++) {
            for (unsigned i = 0; i < SEQS; i++) {
                struct fix_signing how = fix_signing(names[t], i + 1);

                objects[t][i][v] = fix_sign_directory(&fix, &how);
            }
            if (v + 1 < VARIANTS)
                fix_edit(&fix, source, "groups: [viewers]",
                         "groups: [viewers, developers]");
        }
        fix_set(&fix, source, NULL);
    }
    fix.past.strict = false;
    fix.past.states = &states;
    fix_load_ok(&fix);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned t = 0; t < TENANTS; t++)
        for (unsigned i = 0; i < SEQS; i++)
            for (unsigned v = 0; v < VARIANTS; v++)
                free((void *)(uintptr_t)objects[t][i][v].ptr);
    tenant_states_done(&states);
    fix_done(&fix);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T23_no_history_of_directories_goes_back),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
