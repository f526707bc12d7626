#include "cli/replay/links.h"

#include "sidecar/gate/provenance/shapes.h"

struct passing {
    link_found found;
    void *ctx;
};

static bool on_shape(void *ctx, enum shape s, struct ts_str text)
{
    const struct passing *p = ctx;

    switch (s) {
    case SHAPE_URL:
    case SHAPE_HOST:
        return p->found(p->ctx, LINK_URL, text);
    case SHAPE_EMAIL:
        return p->found(p->ctx, LINK_EMAIL, text);
    case SHAPE_ACCOUNT:
    case SHAPE_WALLET:
        return p->found(p->ctx, LINK_ACCOUNT, text);
    case SHAPE_CARD:
    case SHAPE_CODE:
        break;
    }
    return true;
}

void links_in(struct ts_str text, link_found found, void *ctx)
{
    struct passing p = {.found = found, .ctx = ctx};

    (void)shapes_in(text, on_shape, &p);
}
