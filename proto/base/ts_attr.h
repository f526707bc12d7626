#ifndef PROTO_BASE_TS_ATTR_H
#define PROTO_BASE_TS_ATTR_H
#define TS_NODISCARD    __attribute__((warn_unused_result))
#define TS_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define TS_NONNULL_ALL  __attribute__((nonnull))
#define TS_CLEANUP(fn)  __attribute__((cleanup(fn)))
#endif
