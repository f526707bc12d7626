#ifndef PROTO_BASE_TS_ATTR_H
#define PROTO_BASE_TS_ATTR_H
#define TS_NODISCARD    __attribute__((warn_unused_result))
#define TS_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define TS_NONNULL_ALL  __attribute__((nonnull))
#define TS_CLEANUP(fn)  __attribute__((cleanup(fn)))

/* Around declarations that an installed library hands on to its users: visible
 * in the copy of proto/base that is built for it, hidden everywhere else. */
#ifdef TS_EXPORT
#define TS_API_BEGIN _Pragma("GCC visibility push(default)")
#define TS_API_END   _Pragma("GCC visibility pop")
#else
#define TS_API_BEGIN
#define TS_API_END
#endif
#endif
