/* What validation against schema.cedarschema says of each NAME.cedar. */
#include <stdio.h>

#include "policy/cedar_schema.h"
#include "tests/lib/golden.h"

static void render(void *arg, const char *name, struct ts_str text, char *out,
                   size_t cap)
{
    static struct cedar_diags diags;
    struct cedar_options o = cedar_options_default;
    struct cedar_source src = {.name = name, .text = text};
    const struct cedar_schema *s = arg;
    struct cedar_ast *a = NULL;
    const char *first;
    ts_err e;

    o.require_id = false;
    e = cedar_ast_parse(&src, 1, &o, &a, &diags);
    if (e == TS_OK)
        e = cedar_validate(a, s, NULL, &diags);
    cedar_ast_free(a);
    if (e == TS_OK)
        first = "valid";
    else
        first = e == TS_E_FORMAT ? "not valid" : ts_err_text(e);
    golden_diags(first, &diags, name, text, out, cap);
}

int main(int argc, char **argv)
{
    static const char *const endings[] = {".cedar", NULL};
    static char text[1 << 16];
    struct cedar_source src = {.name = "schema"};
    struct golden g = {.endings = endings, .render = render};
    struct cedar_schema *s = NULL;
    int status;

    if (argc < 2 ||
        !golden_read(argv[1], "schema.cedarschema", text, sizeof(text),
                     &src.text) ||
        cedar_schema_parse(&src, 1, &s, NULL) != TS_OK) {
        (void)fprintf(stderr, "no schema.cedarschema that parses\n");
        return 2;
    }
    g.arg = s;
    status = golden_main(argc, argv, &g);
    cedar_schema_free(s);
    return status;
}
