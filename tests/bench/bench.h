#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Helpers of the benchmark programs. A failure ends the program with a
 * message: a figure from a broken run is worse than none. Not product code.
 */
uint64_t bench_now_ns(void);
_Noreturn void bench_die(const char *what);

/* Pins a process (0: this one) to one processor; -1 allows all of them. */
void bench_pin(pid_t pid, int cpu);

struct bench_series { /* nanoseconds */
    uint32_t *v;
    size_t n, cap;
};
void bench_series_add(struct bench_series *s, uint64_t ns);
/* Sorts; q in 0..1. */
double bench_quantile_us(struct bench_series *s, double q);
double bench_median(double *v, size_t n);

int bench_connect(const char *path);
void bench_write(int fd, const void *p, size_t n);
/* Reads one whole frame; returns its type, body in buf. */
uint8_t bench_read_frame(int fd, uint8_t *buf, size_t cap, size_t *ret_len);
/* The next frame, head and all, with as few reads as it comes in: nothing may
 * follow it. Returns its length. */
size_t bench_read_whole(int fd, uint8_t *buf, size_t cap);

/* Connects and shakes hands as the caller's uid; returns the socket. */
int bench_session(const char *socket, const char *chain_file,
                  const char *key_file);

/* Encodes CALL or CHECK of one tool with one string argument. */
size_t bench_call(uint8_t *out, size_t cap, uint64_t seq, const char *tool,
                  const char *arg, const char *value);
size_t bench_check(uint8_t *out, size_t cap, uint64_t seq, const char *tool,
                   const char *arg, const char *value);

/* Reads "NAME": from argv pairs "--NAME VALUE"; NULL when absent. */
const char *bench_option(int argc, char **argv, const char *name);

#endif
