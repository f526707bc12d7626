/* What the permits of a block count, for `tipstaff delegation show`. */
#include <stdio.h>

#include "cli/delegation/delegation_cmds.h"
#include "policy/cedar.h"
#include "sidecar/gate/people/use_rule.h"

static void print_rules(const struct use_rules *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const struct use_counter *c = &r->counters[i];

        (void)fputs(i > 0 ? ", " : "", stdout);
        term_print(c->name);
        for (uint32_t k = 0; k < c->arg_count; k++) {
            (void)putchar(k == 0 ? '=' : '+');
            term_print(c->args[k]);
        }
    }
}

void delegation_counters_print(const struct term *t, const char *bar,
                               struct ts_str policies)
{
    const struct cedar_source src = {.name = "block", .text = policies};
    const struct use_rules *rules = NULL;
    struct cedar_policies *p = NULL;
    struct ts_arena arena;

    ts_arena_init(&arena, 65536);
    /* A text that cannot be read is shown as it is, and the sidecar's matter.
     */
    if (cedar_policies_parse(&src, 1, &cedar_options_block, &p, NULL) ==
            TS_OK &&
        use_rules_make(p, (struct ts_bytes){.ptr = NULL}, &arena, &rules) ==
            TS_OK &&
        rules != NULL) {
        (void)printf("%s    %scounts%s ", bar, t->dim, t->reset);
        print_rules(rules);
        (void)putchar('\n');
    }
    cedar_policies_free(p);
    ts_arena_done(&arena);
}
