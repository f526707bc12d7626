#include "proto/base/ts_err.h"

#include <errno.h>

const char *ts_err_text(ts_err e)
{
    /* clang-format off */
    static const char *const text[] = {
        [TS_OK] = "ok",
#define X(id, s) [TS_E_##id] = s,
        TS_ERR_MAP(X)
#undef X
    };
    /* clang-format on */

    if (e < TS_OK || e >= TS_E_COUNT_)
        return "unknown error";
    return text[e];
}

ts_err ts_err_from_errno(int err)
{
    switch (err) {
    case 0:
        return TS_OK;
    case ENOMEM:
        return TS_E_NOMEM;
    case EAGAIN:
    case EINPROGRESS:
        return TS_E_AGAIN;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
        return TS_E_CLOSED;
    case EACCES:
    case EPERM:
    case EROFS:
        return TS_E_DENIED;
    case ENOENT:
        return TS_E_NOT_FOUND;
    case EEXIST:
        return TS_E_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return TS_E_NO_SPACE;
    case ENOSYS:
    case EOPNOTSUPP:
        return TS_E_UNSUPPORTED;
    case EMFILE:
    case ENFILE:
    case E2BIG:
        return TS_E_LIMIT;
    default:
        return TS_E_SYSTEM;
    }
}
