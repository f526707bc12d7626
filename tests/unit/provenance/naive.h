#ifndef TESTS_UNIT_PROVENANCE_NAIVE_H
#define TESTS_UNIT_PROVENANCE_NAIVE_H

#include "sidecar/gate/provenance/index.h"

/*
 * What prov_index_find() must answer, by scanning every leaf: the rules of
 * index.h written down a second time, without index and without bounds.
 */
#define NAIVE_LEAVES 512

struct naive_leaf {
    enum prov_kind kind;
    struct ts_str text; /* borrowed */
    struct prov_label label;
};
struct naive {
    struct naive_leaf leaves[NAIVE_LEAVES];
    uint32_t count;
};
enum prov_source naive_find(const struct naive *n, enum prov_kind kind,
                            struct ts_str value);

#endif
