/*
 * A tool that looks at its /tmp, or leaves a trace there that it tries to cover
 * up. argv[1]: "look" prints all that there is to be seen; else the trace.
 * Links nothing of ours: it is a stranger.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "nest_plant.h"

#define NAMELESS 300

static const char *dir;

static int count_names(void)
{
    DIR *d = opendir(dir);
    int n = 0;

    while (d != NULL && readdir(d) != NULL)
        n++;
    if (d != NULL)
        (void)closedir(d);
    return n;
}

/* Of one making: in the same tick of the clock, or in one of the next. */
static bool is_near(struct timespec a, struct timespec b)
{
    return labs(a.tv_sec - b.tv_sec) <= 5;
}

static unsigned long new_number(void)
{
    struct stat st = {.st_ino = 0};
    int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0 || fstat(fd, &st) != 0)
        return 0;
    (void)close(fd);
    return st.st_ino;
}

/* The last number is of a file, and so is the only thing that changes. */
static int look(void)
{
    struct stat st;
    struct statfs fs;
    char names[256];
    int n = count_names();

    if (stat(dir, &st) != 0 || statfs(dir, &fs) != 0)
        return 1;
    plant_look();
    (void)printf(
        "names=%d mode=%o links=%lu size=%ld owner=%d used=%ld/%ld "
        "times=%d xattrs=%zd number=%lu shared=%lx\n",
        n, st.st_mode, (unsigned long)st.st_nlink, (long)st.st_size,
        st.st_uid == getuid(), (long)(fs.f_blocks - fs.f_bfree),
        (long)(fs.f_files - fs.f_ffree),
        is_near(st.st_atim, st.st_ctim) && is_near(st.st_mtim, st.st_ctim),
        listxattr(dir, names, sizeof(names)), new_number(), plant_shared());
    return 0;
}

static int make(const char *name, int flags)
{
    int fd = open(name, flags | O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, "secret", 6) != 6)
        return 1;
    return close(fd);
}

static int leave(const char *what)
{
    const struct timespec old[2] = {{1000000000, 5}, {1000000000, 5}};

    if (strcmp(what, "file") == 0)
        return make("left", O_EXCL);
    if (strcmp(what, "gone") == 0)
        return make("left", O_EXCL) != 0 || unlink("left") != 0;
    if (strcmp(what, "folder") == 0)
        return mkdir("d", 0700) != 0 || rmdir("d") != 0;
    if (strcmp(what, "deep") == 0)
        return mkdir("d", 0700) != 0 || make("d/left", O_EXCL) != 0;
    if (strcmp(what, "link") == 0)
        return symlink("/etc/passwd", "l");
    if (strcmp(what, "fifo") == 0)
        return mkfifo("f", 0600) != 0 || unlink("f") != 0;
    if (strcmp(what, "nameless") == 0) {
        for (int i = 0; i < NAMELESS; i++)
            if (new_number() == 0)
                return 1;
        return 0;
    }
    /* what follows may be refused: then there is nothing to be seen of it */
    if (strcmp(what, "touch") == 0)
        (void)(utimensat(AT_FDCWD, dir, NULL, 0) | 0);
    else if (strcmp(what, "times") == 0)
        (void)(utimensat(AT_FDCWD, dir, old, 0) | 0);
    else if (strcmp(what, "mode") == 0)
        (void)(chmod(dir, 0711) | 0);
    else if (strcmp(what, "xattr") == 0)
        (void)(setxattr(dir, "user.note", "secret", 6, 0) | 0);
    else if (strcmp(what, "read") == 0)
        return count_names() < 2;
    else if (strcmp(what, "number") == 0)
        return printf("%d\n", (int)getpid()) < 2;
    else
        return strcmp(what, "nothing") == 0 ? 0 : plant(what);
    return 0;
}

int main(int argc, char **argv)
{
    dir = getenv("TMPDIR");
    if (argc < 2 || dir == NULL || chdir(dir) != 0)
        return 99;
    return strcmp(argv[1], "look") == 0 ? look() : leave(argv[1]);
}
