#ifndef SIDECAR_COMMON_CONFINE_CONFINE_PRIV_H
#define SIDECAR_COMMON_CONFINE_CONFINE_PRIV_H

#include "sidecar/common/confine/confine.h"

/* The steps of confine_self(), each in its own file. */
TS_NODISCARD ts_err confine_landlock(enum confine_role role);
TS_NODISCARD ts_err confine_filter(enum confine_role role);

#endif
