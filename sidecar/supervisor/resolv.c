#include "sidecar/supervisor/resolv.h"

#include <fcntl.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_fd.h"
#include "sidecar/common/dns_text.h"

#define FILE_MAX 8192 /* bytes that are looked at */

struct ts_str resolv_read(char *buf, size_t cap)
{
    char text[FILE_MAX];
    size_t n = 0;
    int fd TS_CLEANUP(ts_fd_close) =
        open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || ts_fd_read_all(fd, text, sizeof(text) - 1, &n) != TS_OK)
        return ts_str_of("");
    text[n] = '\n'; /* the last line may lack its own */
    return dns_lines((struct ts_str){.ptr = text, .len = n + 1}, buf, cap);
}
