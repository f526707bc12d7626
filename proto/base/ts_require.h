#ifndef PROTO_BASE_TS_REQUIRE_H
#define PROTO_BASE_TS_REQUIRE_H

/*
 * For our own bugs only, never for anything a peer can cause. Always on:
 * <assert.h> disappears under -DNDEBUG, which CMake's release builds set.
 */
#define TS_REQUIRE(cond)                                                       \
    ((cond) ? (void)0 : ts_require_failed(#cond, __FILE__, __LINE__))

_Noreturn void ts_require_failed(const char *cond, const char *file, int line);

#endif
