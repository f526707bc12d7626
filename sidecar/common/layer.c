#include "sidecar/common/layer.h"

#include <stddef.h>

static const struct {
    uint32_t bit;
    const char *name;
} layers[LAYER_COUNT] = {
#define X(id, text) {LAYER_##id, text},
    LAYER_MAP(X)
#undef X
};

const char *layer_name(uint32_t bit)
{
    for (size_t i = 0; i < LAYER_COUNT; i++) {
        if (layers[i].bit == bit)
            return layers[i].name;
    }
    return "unknown";
}

uint32_t layer_parse(struct ts_str name)
{
    for (size_t i = 0; i < LAYER_COUNT; i++) {
        if (ts_str_eq_c(name, layers[i].name))
            return layers[i].bit;
    }
    return 0;
}

const char *layer_first(uint32_t bits)
{
    return layer_name(bits & (~bits + 1));
}
