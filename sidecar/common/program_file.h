#ifndef SIDECAR_COMMON_PROGRAM_FILE_H
#define SIDECAR_COMMON_PROGRAM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"

#define PROGRAM_FILE_TEXT 256

/*
 * Whether a program is what its owner made of it: an absolute path without
 * symbolic links to an executable regular file. File and every folder above it
 * belong to root or to owner and can be written to by nobody else (a folder
 * with the sticky bit may be shared). False: text (PROGRAM_FILE_TEXT bytes)
 * says what is wrong and what to do, without the path.
 */
TS_NODISCARD bool program_file_check(const char *path, uid_t owner, char *text);

#endif
