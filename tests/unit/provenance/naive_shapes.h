#ifndef TESTS_UNIT_PROVENANCE_NAIVE_SHAPES_H
#define TESTS_UNIT_PROVENANCE_NAIVE_SHAPES_H

#include "sidecar/gate/provenance/shapes.h"

/*
 * What shapes_in() must find, by the words of docs/PROVENANCE.md: characters
 * decoded into an array first, each run of them asked once, nothing remembered
 * of links, no bound on the work. Only whether a run is a wallet, and what last
 * names there are, is asked of the product.
 */
#define NAIVE_TEXT 4096

void naive_shapes_in(struct ts_str text, shape_found found, void *ctx);

#endif
