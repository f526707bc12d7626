#!/bin/bash
# Runs as a oneshot unit in the booted root of systemd.sh: an operator's day.
set -u
failures=0
check() { # check WHAT COMMAND...
    local what=$1
    shift
    if "$@" >/tmp/out 2>&1; then
        echo "ok    $what"
    else
        echo "FAIL  $what: $* (exit $?)"
        head -20 /tmp/out
        failures=$((failures + 1))
    fi
}
within() { # within SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}
fails() { ! "$@"; }
as_agent() { setpriv --reuid agent --regid agent --init-groups --inh-caps=-all "$@"; }
call() {
    as_agent env TIPSTAFF_DELEGATION=/home/agent/a.chain TIPSTAFF_KEY=/home/agent/coder.seed \
        TIPSTAFF_SIDECAR_KEY=/etc/tipstaff/keys/sidecar.pub tipstaff-shim call "$@"
}
show() { systemctl show -P "$1" tipstaffd.service; }
generation() { tipstaff status --json | jq .generation; }

echo "-- $(systemctl --version | head -1)"
check "sysusers made the users" getent passwd tipstaff-gate tipstaff-recorder tipstaff-launcher
check "tmpfiles made the directories" test -d /run/tipstaff/agent -a -d /var/lib/tipstaff -a -d /var/log/tipstaff
check "the agents' directory is theirs" test "$(stat -c '%a %U %G' /run/tipstaff/agent)" = "750 root tipstaff-agents"
check "the unit is understood as installed" systemd-analyze verify --man=no /usr/lib/systemd/system/tipstaffd.service

useradd -m -u 10001 -G tipstaff-agents agent
useradd -m -u 10002 stranger
mkdir -p /srv/work /etc/systemd/system/tipstaffd.service.d
echo 'a note' >/srv/work/notes.txt
chown -R tipstaff-launcher: /srv/work
chmod -R g+rwX /srv/work # the group is what all uids of tools share
printf '[Service]\nReadWritePaths=/srv/work\nWatchdogSec=4\n' >/etc/systemd/system/tipstaffd.service.d/work.conf
systemctl daemon-reload

check "without a configuration the start fails" fails systemctl start tipstaffd.service
check "with 78, so systemd does not try again" test "$(show ExecMainStatus) $(show NRestarts)" = "78 0"
check "tipstaff init" tipstaff init /etc/tipstaff --workspace /srv/work --agent-uid 10001
for tool in git.log:git py.run:python3; do # this root has neither
    command -v "${tool#*:}" >/dev/null || rm "/etc/tipstaff/tools/${tool%:*}.yaml"
done
check "tipstaffd --check" tipstaffd --config /etc/tipstaff --libexec /usr/libexec/tipstaff --check
mv /etc/tipstaff/keys/sidecar.seed /root/
check "without its key the start fails" fails systemctl start tipstaffd.service
check "with 78, too" test "$(show ExecMainStatus) $(show NRestarts)" = "78 0"
mv /root/sidecar.seed /etc/tipstaff/keys/

check "start (Type=notify)" systemctl start tipstaffd.service
systemctl is-active -q tipstaffd.service || {
    journalctl -u tipstaffd.service --no-pager | tail -40
    echo "FAILED: nothing more can be tried"
    exit 0
}
check "active" test "$(show ActiveState)/$(show SubState)" = active/running
check "STATUS arrives" within 5 sh -c 'systemctl show -P StatusText tipstaffd.service | grep -q "serving generation 1"'
echo "      $(show StatusText)"
check "tipstaff status" tipstaff status
check "every process has its own user" test "$(ps -o user:20= --ppid "$(show MainPID)" | sort -u | tr -s ' \n' ' ')" = "tipstaff-gate tipstaff-launcher tipstaff-recorder "

cp /etc/tipstaff/keys/agents/coder.seed /home/agent/
echo 'permit (principal, action, resource);' | tipstaff delegate --issuer-key /etc/tipstaff/keys/issuer.seed \
    --tenant acme --issuer acme-issuer --user alice --agent coder --holder /etc/tipstaff/keys/agents/coder.pub \
    --aud sidecar/local --task t --ttl 3600 --policy - -o /home/agent/a.chain
chown agent: /home/agent/*
check "a call as the agent" test "$(call fs.read path=notes.txt)" = "a note"
echo new >/tmp/new
boxed() { cat /var/log/tipstaff/*.jsonl | jq -r 'select(.kind == "exec_ended") | .box' | tail -1 | grep -qx "$1"; }
check "the unit gives boxes of level uid" within 5 boxed uid
check "fs.write into ReadWritePaths" call fs.write path=new.txt --stdin </tmp/new
check "what was written is there" test "$(cat /srv/work/new.txt)" = new
check "a stranger cannot connect" fails setpriv --reuid stranger --regid stranger --init-groups tipstaff status
check "nor to the agents' socket" fails setpriv --reuid stranger --regid stranger --init-groups \
    sh -c 'ls /run/tipstaff/agent'

printf '@id("no-reading")\nforbid (principal, action == Action::"fs.read", resource);\n' \
    >/etc/tipstaff/tenants/acme/policies/hard/zzz.cedar
check "systemctl reload" systemctl reload tipstaffd.service
check "is generation 2" within 5 sh -c '[ "$(tipstaff status --json | jq .generation)" = 2 ]'
check "and the call flips" fails call fs.read path=notes.txt
echo 'permit (' >/etc/tipstaff/tenants/acme/policies/hard/zzz.cedar
systemctl reload tipstaffd.service
check "a bad reload says so in the status" within 5 sh -c 'journalctl -u tipstaffd.service | grep -q "reload_refused.*zzz.cedar:2"'
check "and keeps the old" test "$(generation)" = 2
rm /etc/tipstaff/tenants/acme/policies/hard/zzz.cedar
systemctl reload tipstaffd.service
check "the next good one is taken" within 5 call fs.read path=notes.txt

main=$(show MainPID)
kill -9 "$(pgrep -P "$main" -x tipstaff-gate)"
check "after kill -9 of the gate it serves again" within 10 call fs.read path=notes.txt
check "with the same supervisor" test "$(show MainPID)" = "$main"
kill -9 "$main"
check "after kill -9 of the supervisor systemd starts it again" within 15 call fs.read path=notes.txt
check "as a new process" test "$(show MainPID) $(show NRestarts)" != "$main 0"
sleep 5
check "the watchdog is fed" test "$(show Result) $(show NRestarts)" = "success 1"
main=$(show MainPID)
kill -STOP "$(pgrep -P "$main" -x tipstaff-gate)"
check "a gate that hangs: the watchdog ends the service" within 30 sh -c '[ "$(systemctl show -P NRestarts tipstaffd.service)" = 2 ]'
check "and it serves again" within 15 call fs.read path=notes.txt

call demo.sleep seconds:=600 >/tmp/sleep.out 2>&1 &
sleeper=$!
check "a tool runs" within 5 pgrep -x sleep
check "as a user of its own" fails pgrep -x sleep -u tipstaff-launcher,root,agent
check "tipstaff revoke" tipstaff revoke user alice --tenant acme --key /etc/tipstaff/keys/revoker.seed
check "no tool is left" fails pgrep -x sleep
wait $sleeper
check "the shim saw it" grep -q revoked /tmp/sleep.out
check "refused from now on" fails call fs.read path=notes.txt
check "systemctl stop" systemctl stop tipstaffd.service
check "in good order" test "$(show Result)/$(show ExecMainStatus)" = success/0
check "the sockets are gone" test ! -e /run/tipstaff/agent/agent.sock
check "the log verifies" tipstaff log verify
check "start again" systemctl start tipstaffd.service
check "the revocation is still there" fails call fs.read path=notes.txt
check "stop again" systemctl stop tipstaffd.service

check "socket activation: start" systemctl start tipstaff-agent.socket tipstaff-admin.socket tipstaff-log.socket
check "a question starts the service" tipstaff status
check "which is active" systemctl is-active tipstaffd.service
check "stop" systemctl stop tipstaffd.service tipstaff-agent.socket tipstaff-admin.socket tipstaff-log.socket
# The drop-ins: full boxes, and the broker.
cp /root/full-boxes.conf /root/egress.conf /etc/systemd/system/tipstaffd.service.d/
systemctl daemon-reload
echo 'egress: {dns: ["127.0.0.1"]}' >>/etc/tipstaff/tipstaff.yaml
for l in bare uid full strict; do
    printf 'tool: need.%s\nexec: /usr/bin/true\nargv: ["true"]\nsandbox: %s\n' $l $l >/etc/tipstaff/tools/need.$l.yaml
done
printf 'tool: need.proxy\nexec: /usr/bin/true\nargv: ["true"]\nnetwork: {mode: proxy, allow: ["a.example:443"]}\n' \
    >/etc/tipstaff/tools/need.proxy.yaml
rm /home/agent/a.chain # alice's, who is revoked
echo 'permit (principal, action, resource);' | tipstaff delegate --issuer-key /etc/tipstaff/keys/issuer.seed \
    --tenant acme --issuer acme-issuer --user bob --agent coder --holder /etc/tipstaff/keys/agents/coder.pub \
    --aud sidecar/local --task t2 --ttl 3600 --policy - -o /home/agent/a.chain
chown agent: /home/agent/*
check "start with full-boxes.conf and egress.conf" systemctl start tipstaffd.service
check "the broker is there, as its own user" pgrep -x tipstaff-broker -u tipstaff-broker
check "every level and the proxy are served" within 5 sh -c '[ "$(tipstaff status --json | jq .tools.refused)" = 0 ]'
check "a call" call fs.read path=notes.txt
check "in a box of level full" within 5 boxed full
check "stop" systemctl stop tipstaffd.service
[ $failures -eq 0 ] && echo PASSED || {
    echo "$failures FAILED"
    journalctl -u tipstaffd.service --no-pager | tail -60
}
exit 0
