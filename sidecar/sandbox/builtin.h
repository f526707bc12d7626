#ifndef SIDECAR_SANDBOX_BUILTIN_H
#define SIDECAR_SANDBOX_BUILTIN_H

#include "sidecar/sandbox/profile.h"

/* The files of profiles/, compiled in (embed.cmake); ends with a NULL file. */
extern const struct sandbox_source sandbox_builtins[];

#endif
