#include "tests/lib/ts_test.h"

#include "tests/lib/fault_mem.h"

static int sweep(ts_err (*scenario)(const void *arg), const void *arg,
                 ts_err want, bool persistent)
{
    for (int nth = 0;; nth++) {
        ts_err e;

        fault_mem_arm(nth, persistent);
        e = scenario(arg);
        fault_mem_disarm();
        assert_int_equal(fault_mem_live(), 0);
        assert_int_equal(e, fault_mem_fired() ? TS_E_NOMEM : want);
        if (!fault_mem_fired())
            return nth;
    }
}

void fault_mem_sweep(ts_err (*scenario)(const void *arg), const void *arg,
                     ts_err want, int least)
{
    assert_true(sweep(scenario, arg, want, true) >= least);
    assert_true(sweep(scenario, arg, want, false) >= least);
}
