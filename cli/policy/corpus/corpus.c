/* tipstaff policy corpus DIR: runs recorded cases and says where this engine
 * differs from what was recorded. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/opts.h"
#include "cli/policy/corpus/corpus.h"
#include "cli/policy/policy.h"

static int run_all(struct corpus *c, const char *path)
{
    struct corpus_paths paths = {0};
    struct ts_arena arena;
    int code = CLI_FAILED;

    ts_arena_init(&arena, (size_t)1 << 30);
    if (!corpus_find(&arena, path, &paths))
        goto out;
    corpus_begin(c, path);
    for (size_t i = 0; i < paths.count; i++) {
        corpus_progress(c, i, paths.count);
        if (!corpus_run(c, paths.list[i]))
            c->others++;
        else if (c->bad)
            c->failed++;
        else
            c->passed++;
    }
    corpus_progress(c, paths.count, paths.count);
    if (c->passed + c->failed == 0)
        cli_error("%s: no case here: a case is a .json file with \"policies\", "
                  "\"entities\", \"schema\" and \"requests\"",
                  path);
    corpus_end(c);
    code = c->failed == 0 && c->passed > 0 ? CLI_OK : CLI_FAILED;
out:
    ts_arena_done(&arena);
    return code;
}

int cmd_policy_corpus(int argc, char **argv)
{
    struct corpus c = {.term = term_stdout()};
    uint64_t max_failures = 50;
    const struct cli_option options[] = {
        {"--max-failures", "N", "failures that are listed (50)", CLI_NUMBER,
         &max_failures, false},
        {"--json", NULL, "one JSON document", CLI_FLAG, &c.json, false},
        {"--quiet", NULL, "failures and the last line only", CLI_FLAG, &c.quiet,
         false},
        {"-q", NULL, NULL, CLI_FLAG, &c.quiet, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff policy corpus",
        .operands = "DIR",
        .about =
            "Runs cases in the format of cedar-integration-tests and "
            "compares decisions,\nreasons, errors and validation with "
            "what is recorded. DIR is the folder that\nholds corpus-tests/ "
            "or tests/, a folder of cases in it, or one case.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff policy corpus cedar-integration-tests\n"
                    "  tipstaff policy corpus corpus-tests/0a1b.json\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    c.max_failures = max_failures;
    return run_all(&c, operands[0]);
}
