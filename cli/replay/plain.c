/* Policies without those that ask where values are from. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/replay/config.h"
#include "policy/cedar_text.h"
#include "proto/base/ts_mem.h"

/* Any policy in whose text the word stands: rather one too few. */
static bool asks(const struct ts_buf *printed)
{
    static const char word[] = "provenance";
    const char *p = (const char *)ts_buf_bytes(printed);

    return memmem(p, printed->len, word, sizeof(word) - 1) != NULL;
}

static bool one(const struct cedar_ast *a, size_t at, struct text *out)
{
    struct ts_buf printed;
    bool ok;

    ts_buf_init(&printed, (size_t)1 << 20);
    ok = cedar_ast_print(a, at, &printed) == TS_OK;
    if (ok && !asks(&printed)) {
        text_bytes(out, (const char *)ts_buf_bytes(&printed), printed.len);
        text_add(out, "\n");
    }
    ts_buf_done(&printed);
    return ok;
}

bool replay_plain_policies(const char *name, struct ts_str cedar,
                           struct text *out)
{
    const struct cedar_source src = {.name = name, .text = cedar};
    struct cedar_diags *diags = ts_mem_alloc(sizeof(*diags));
    struct cedar_ast *a = NULL;
    bool ok = diags != NULL && cedar_ast_parse(&src, 1, &cedar_options_default,
                                               &a, diags) == TS_OK;

    for (size_t i = 0; ok && i < cedar_ast_count(a); i++)
        ok = one(a, i, out);
    if (!ok)
        cli_error("%s: cannot be read as policies: tipstaff policy check says "
                  "where",
                  name);
    cedar_ast_free(a);
    ts_mem_free(diags);
    return ok;
}
