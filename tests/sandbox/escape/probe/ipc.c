/* Shared objects of others that have no path. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

static struct result shm_attach(const struct probe *p)
{
    const void *at = shmat((int)fact_number('K'), NULL, (int)p->nr);

    return at != (void *)-1 ? allowed() : stopped(errno);
}

static struct result shm_stat(const struct probe *p)
{
    struct shmid_ds ds;

    return by(shmctl((int)fact_number('K'), (int)p->nr, &ds));
}

static struct result shm_new(const struct probe *p)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);

    (void)p;
    if (id < 0)
        return stopped(errno);
    (void)shmctl(id, IPC_RMID, NULL);
    return allowed();
}

/* MSG_COPY leaves the message where it is. */
static struct result msg_read(const struct probe *p)
{
    struct {
        long type;
        char text[64];
    } m;

    (void)p;
    return by(msgrcv((int)fact_number('Q'), &m, sizeof(m.text), 0,
                     040000 | IPC_NOWAIT | MSG_NOERROR));
}

static struct result msg_send(const struct probe *p)
{
    struct {
        long type;
        char text[16];
    } m = {77, "escape"};

    (void)p;
    return by(msgsnd((int)fact_number('Q'), &m, 7, IPC_NOWAIT));
}

static struct result msg_new(const struct probe *p)
{
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

    (void)p;
    if (id < 0)
        return stopped(errno);
    (void)msgctl(id, IPC_RMID, NULL);
    return allowed();
}

static struct result sem_change(const struct probe *p)
{
    struct sembuf op = {0, 5, IPC_NOWAIT};

    (void)p;
    return by(semop((int)fact_number('E'), &op, 1));
}

static struct result mq_open_it(const struct probe *p)
{
    struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 16};
    const char *name = expand(p->text);
    mqd_t q = mq_open(name, (int)p->nr, 0600, &a);

    if (q < 0)
        return stopped(errno);
    if ((p->nr & O_CREAT) != 0)
        (void)mq_unlink(name);
    return allowed();
}

static const struct probe probes[] = {
    {"ipc.shm_read",
     "attach another's SysV shared memory",
     shm_attach,
     "",
     SHM_RDONLY,
     {0}},
    {"ipc.shm_write", "attach it for writing", shm_attach, "", 0, {0}},
    {"ipc.shm_stat", "ask about it", shm_stat, "", IPC_STAT, {0}},
    {"ipc.shm_list", "SHM_INFO of the host", shm_stat, "", 14, {0}},
    {"ipc.shm_new", "make shared memory that outlives it", shm_new, "", 0, {0}},
    {"ipc.msg_read",
     "copy a message from another's queue",
     msg_read,
     "",
     0,
     {0}},
    {"ipc.msg_send", "send to another's queue", msg_send, "", 0, {0}},
    {"ipc.msg_new", "make a queue that outlives it", msg_new, "", 0, {0}},
    {"ipc.sem", "change another's semaphore", sem_change, "", 0, {0}},
    {"ipc.mq_open",
     "open another's POSIX queue",
     mq_open_it,
     "@M",
     O_RDWR,
     {0}},
    {"ipc.mq_new",
     "make a POSIX queue",
     mq_open_it,
     "/escape-new-@W",
     O_RDWR | O_CREAT,
     {0}},
    {"ipc.proc_shm",
     "another's memory in /proc/sysvipc/shm",
     file_has,
     "/proc/sysvipc/shm",
     'K',
     {0}},
};

const struct area area_ipc = {probes, sizeof(probes) / sizeof(probes[0])};
