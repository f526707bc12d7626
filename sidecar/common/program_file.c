#include "sidecar/common/program_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OTHERS_WRITE 0022u

static bool refuse(char *text, const char *what)
{
    (void)snprintf(text, PROGRAM_FILE_TEXT, "%s", what);
    return false;
}

static bool is_ours(const struct stat *st, uid_t owner)
{
    return st->st_uid == 0 || st->st_uid == owner;
}

static bool folder_is_safe(const char *path, uid_t owner, char *text)
{
    struct stat st;

    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return refuse(text, "a folder above it cannot be read");
    if (is_ours(&st, owner) && ((st.st_mode & OTHERS_WRITE) == 0 ||
                                (st.st_mode & (mode_t)S_ISVTX) != 0))
        return true;
    (void)snprintf(text, PROGRAM_FILE_TEXT,
                   "others can replace it: the folder %.160s is theirs to "
                   "write to; chown it to root, chmod go-w",
                   path);
    return false;
}

/* From the root down, so that what is checked first holds what comes after. */
static bool folders_are_safe(const char *path, uid_t owner, char *text)
{
    char part[PATH_MAX];

    for (const char *p = path; (p = strchr(p, '/')) != NULL; p++) {
        size_t n = p == path ? 1 : (size_t)(p - path);

        memcpy(part, path, n);
        part[n] = '\0';
        if (!folder_is_safe(part, owner, text))
            return false;
    }
    return true;
}

static bool file_is_safe(const char *path, uid_t owner, char *text)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return refuse(text, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(text, "it is not a regular file");
    if (!is_ours(&st, owner))
        return refuse(text, "it belongs to somebody else; chown it to root");
    if ((st.st_mode & OTHERS_WRITE) != 0)
        return refuse(text, "others can write to it; chmod go-w");
    if ((st.st_mode & S_IXOTH) == 0)
        return refuse(text, "the hook's user cannot run it; chmod a+x");
    return true;
}

bool program_file_check(const char *path, uid_t owner, char *text)
{
    char real[PATH_MAX];

    if (path[0] != '/' || strlen(path) >= PATH_MAX)
        return refuse(text, "it must be an absolute path");
    if (realpath(path, real) == NULL)
        return refuse(text, strerror(errno));
    if (strcmp(real, path) != 0) {
        (void)snprintf(text, PROGRAM_FILE_TEXT,
                       "there is a link in it; write the real path, %.160s",
                       real);
        return false;
    }
    return folders_are_safe(path, owner, text) &&
           file_is_safe(path, owner, text);
}
