/* What parsing says of each NAME.cedar; one whose name begins with id_ must
 * have ids. */
#include <string.h>

#include "tests/lib/golden.h"

static void render(void *arg, const char *name, struct ts_str text, char *out,
                   size_t cap)
{
    static struct cedar_diags diags;
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = name, .text = text};
    struct cedar_policies *p = NULL;
    ts_err e;

    (void)arg;
    o.require_id = strncmp(name, "id_", 3) == 0;
    e = cedar_policies_parse(&src, 1, &o, &p, &diags);
    cedar_policies_free(p);
    golden_diags(e == TS_OK ? "accepted" : ts_err_text(e), &diags, name, text,
                 out, cap);
}

int main(int argc, char **argv)
{
    static const char *const endings[] = {".cedar", NULL};
    const struct golden g = {.endings = endings, .render = render};

    return golden_main(argc, argv, &g);
}
