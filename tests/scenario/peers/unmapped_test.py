"""A peer whose uid has no number here is 65534, nobody in particular."""
import sys

from lib import Client, Service, run_as, run_tests

service = Service()


def unmapped_uid_is_refused_before_hello(s):
    def stranger():
        assert Client(s).closed() == "auth_failed"
    assert run_as(20000, stranger)
    assert "peer_refused uid=65534 reason=uid_unmapped" in s.log(), s.log()


def mapped_uid_is_served_all_the_same(s):
    def agent():
        assert Client(s).enter() == "welcome"
    assert run_as(s.uid, agent)


sys.exit(run_tests([unmapped_uid_is_refused_before_hello, mapped_uid_is_served_all_the_same],
                   service))
