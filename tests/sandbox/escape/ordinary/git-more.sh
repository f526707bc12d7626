export GIT_CONFIG_NOSYSTEM=1; git init -q -b main r; cd r; git config user.name a; git config user.email a@b
seq 500 >f; git add f; git commit -qm 1; echo x >>f; git commit -qam 2; git tag v1; git worktree add -q ../w HEAD
git -C ../w log --oneline | wc -l; git archive HEAD | tar t; git repack -adq; git gc -q --prune=now; git blame f | wc -l
git grep -c 100; git bundle create -q ../b.bundle main; cd ..; git clone -q b.bundle bb
git clone -q --depth 1 "file://$PWD/r" s; git -C s log --oneline | wc -l; git clone -q --local r lo; ls lo; git -C r log -p | wc -l
