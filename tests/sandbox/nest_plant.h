#ifndef TESTS_SANDBOX_NEST_PLANT_H
#define TESTS_SANDBOX_NEST_PLANT_H

/* In the private /tmp, which is the working directory. 0: done, or refused by
 * the box; 1: it went wrong; -1: there is no such thing. */
int plant(const char *what);

/* Prints what a tool may see of what plant() tries to change, with a space
 * behind each word. */
void plant_look(void);
/* A digest of the times of what every box of a template has. */
unsigned long plant_shared(void);

#endif
