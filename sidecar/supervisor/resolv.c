#include "sidecar/supervisor/resolv.h"

#include <fcntl.h>
#include <string.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_fd.h"

#define FILE_MAX 8192 /* bytes that are looked at */

struct ts_str resolv_servers(struct ts_str text, char *buf, size_t cap)
{
    const struct ts_str key = TS_STR_LIT("nameserver");
    size_t at = 0;

    while (text.len > 0) {
        const char *nl = memchr(text.ptr, '\n', text.len);
        struct ts_str line = {.ptr = text.ptr,
                              .len = nl != NULL ? (size_t)(nl - text.ptr) + 1
                                                : text.len};

        if (nl != NULL && ts_str_starts(line, key) && line.len <= cap - at &&
            ts_utf8_valid(line.ptr, line.len)) {
            memcpy(buf + at, line.ptr, line.len);
            at += line.len;
        }
        text.ptr += line.len;
        text.len -= line.len;
    }
    return (struct ts_str){.ptr = buf, .len = at};
}

struct ts_str resolv_read(char *buf, size_t cap)
{
    char text[FILE_MAX];
    size_t n = 0;
    int fd TS_CLEANUP(ts_fd_close) =
        open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || ts_fd_read_all(fd, text, sizeof(text) - 1, &n) != TS_OK)
        return ts_str_of("");
    text[n] = '\n'; /* the last line may lack its own */
    return resolv_servers((struct ts_str){.ptr = text, .len = n + 1}, buf, cap);
}
