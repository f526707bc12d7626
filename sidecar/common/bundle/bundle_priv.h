#ifndef SIDECAR_COMMON_BUNDLE_BUNDLE_PRIV_H
#define SIDECAR_COMMON_BUNDLE_BUNDLE_PRIV_H

#include <fcntl.h>

#include "sidecar/common/bundle/bundle.h"

#define BUNDLE_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* That a file of this name may have. */
uint64_t bundle_most_bytes(struct ts_str path);

#endif
