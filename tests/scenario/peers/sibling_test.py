"""The service in a PID namespace of its own: a peer outside has pid 0 there, a
pidfd that works, and its right uid."""
import os
import re
import signal
import sys

from lib import Client, Service, child, become, run_as, run_tests, until, word
from lib import DECISION

service = Service()


def sibling_namespace_has_pid_0_a_pidfd_and_the_right_uid(s):
    def agent():
        c = Client(s)
        assert c.enter() == "welcome"
        c.call("fs.list", {"path": "."})
        decision, _, result = c.collect()
        assert decision[3] == "permitted" and result[2] == "exited", (decision, result)
    assert run_as(s.uid, agent)
    until(lambda: '"pid":0' in s.records(), "the record")
    peer = re.search(r'"peer":\{[^}]*"pid":0[^}]*\}', s.records()).group(0)
    assert f'"uid":{s.uid},"gid":{s.uid},' in peer, peer
    assert int(re.search(r'"pidfs_ino":"?(\d+)', peer).group(1)) > 0, peer


def sibling_namespace_death_of_the_peer_ends_session_and_tool(s):
    r, w = os.pipe()

    def agent():
        become(s.uid)
        c = Client(s)
        assert c.enter() == "welcome"
        c.call("demo.sleep", {"seconds": 30})
        decision = c.want(DECISION)
        assert decision[3] == "permitted", decision
        if os.fork() == 0:  # keeps the socket
            signal.pause()
        os.write(w, b"x")
        signal.pause()
    before, dead = s.fds(), s.records().count('"disconnected"')
    pid = child(agent)
    assert word(r, w) == b"x"
    keeper = int(open(f"/proc/{pid}/task/{pid}/children").read().split()[0])
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    until(lambda: s.records().count('"disconnected"') > dead, "the tool to be killed")
    until(lambda: s.fds() <= before, "its descriptors to be closed")
    os.kill(keeper, signal.SIGKILL)


sys.exit(run_tests([sibling_namespace_has_pid_0_a_pidfd_and_the_right_uid,
                    sibling_namespace_death_of_the_peer_ends_session_and_tool], service))
