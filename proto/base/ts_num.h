#ifndef PROTO_BASE_TS_NUM_H
#define PROTO_BASE_TS_NUM_H

/* C23 <stdckdint.h> contract: true means the result did NOT fit. */
#define ts_ckd_add(out, a, b) __builtin_add_overflow((a), (b), (out))
#define ts_ckd_sub(out, a, b) __builtin_sub_overflow((a), (b), (out))
#define ts_ckd_mul(out, a, b) __builtin_mul_overflow((a), (b), (out))

#endif
