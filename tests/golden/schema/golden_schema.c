/* What parsing says of each schema: NAME.cedarschema and, in JSON, NAME.json.
 */
#include <string.h>

#include "policy/cedar_schema.h"
#include "tests/lib/golden.h"

static void render(void *arg, const char *name, struct ts_str text, char *out,
                   size_t cap)
{
    static struct cedar_diags diags;
    struct cedar_source src = {.name = name, .text = text};
    struct cedar_schema *s = NULL;
    ts_err e;

    (void)arg;
    cedar_diags_clear(&diags);
    e = strcmp(strrchr(name, '.'), ".json") == 0
            ? cedar_schema_parse_json(&src, 1, &s, &diags)
            : cedar_schema_parse(&src, 1, &s, &diags);
    cedar_schema_free(s);
    golden_diags(e == TS_OK ? "accepted" : ts_err_text(e), &diags, name, text,
                 out, cap);
}

int main(int argc, char **argv)
{
    static const char *const endings[] = {".cedarschema", ".json", NULL};
    const struct golden g = {.endings = endings, .render = render};

    return golden_main(argc, argv, &g);
}
