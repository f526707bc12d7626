#ifndef TESTS_LIB_FAULT_TRACE_H
#define TESTS_LIB_FAULT_TRACE_H

/*
 * What script/faults reads: where allocations were made to fail. With the
 * environment variable TS_FAULT_TRACE naming a directory, each place is noted
 * once, as an offset into the program, in a file there; without it nothing
 * happens.
 */
void fault_trace_open(void); /* again and again is fine; before confinement */
void fault_trace_note(void); /* an allocation fails now, by these callers */

#endif
