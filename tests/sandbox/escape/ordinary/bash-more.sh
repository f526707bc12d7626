cat < <(echo sub); tee >(cat >o1) <<<t >/dev/null; until [ -s o1 ]; do :; done; cat o1
mkfifo f5; exec 5<>f5; echo hi >&5; read -r l <&5; echo "$l"; mapfile -t z < <(seq 3); echo "${z[@]}"
coproc cat; echo c >&"${COPROC[1]}"; read -r l <&"${COPROC[0]}"; echo "$l"; kill "$COPROC_PID"; wait 2>/dev/null || true
printf '%s\n' {a..c} | xargs -P2 -n1 echo | sort; ulimit -c 0; ulimit -n >/dev/null; set -m; sleep 0.01 & fg >/dev/null
