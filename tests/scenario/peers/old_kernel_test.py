"""Without SO_PEERPIDFD: the uid alone, said in the log; or nobody at all.

usage: old_kernel_test.py served|refused
"""
import re
import sys

from lib import Client, Service, run_as, run_tests, until

service = Service()


def without_a_pidfd_the_uid_alone_binds_and_the_log_says_so(s):
    def agent():
        c = Client(s)
        assert c.enter() == "welcome"
        c.call("fs.list", {"path": "."})
        assert c.collect()[0][3] == "permitted"
    assert run_as(s.uid, agent) and run_as(s.uid, agent)
    lines = [x for x in s.log().splitlines() if "peer_binding=uid" in x]
    assert len(lines) == 1, lines
    until(lambda: re.search(r'"pidfs_ino":"?0[",}]', s.records()), "the record")


def without_a_pidfd_another_uid_is_refused_all_the_same(s):
    def stranger():
        assert Client(s).enter() == "auth_failed"
    assert run_as(10002, stranger)


def require_pidfd_refuses_whom_it_cannot_watch(s):
    def agent():
        assert Client(s).closed() == "auth_failed"
    assert run_as(s.uid, agent)
    assert f"peer_refused uid={s.uid} reason=no_pidfd" in s.log()


TESTS = {"served": [without_a_pidfd_the_uid_alone_binds_and_the_log_says_so,
                    without_a_pidfd_another_uid_is_refused_all_the_same],
         "refused": [require_pidfd_refuses_whom_it_cannot_watch]}
sys.exit(run_tests(TESTS[sys.argv[1]], service))
