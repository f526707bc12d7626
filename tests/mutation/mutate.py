#!/usr/bin/python3
"""Changes one operator at a time in the policy engine, or removes one check at a
time from the delegation verifier, and asks which test notices.

A mutant that no test notices is a gap in the tests, or it means the same as the
original; equivalent.txt lists those that were looked at, with the reason.
"""
import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import subprocess
import sys
import time

import checks

TOKEN = re.compile(
    r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*'
    r'|[A-Za-z_]\w*|\d\w*|->|\+\+|--|<<=?|>>=?|[-+*/%&|^]=|==|!=|<=|>=|&&|\|\||.',
    re.S | re.M)
SWAP = {'==': ['!='], '!=': ['=='], '<': ['<=', '>='], '<=': ['<', '>'],
        '>': ['>=', '<='], '>=': ['>', '<'], '&&': ['||'], '||': ['&&'],
        '+=': ['-='], '-=': ['+='], 'true': ['false'], 'false': ['true']}
TYPES = {'const', 'static', 'struct', 'enum', 'return', 'case', 'sizeof'}
MEMORY = 2 << 30


class Mutant(collections.namedtuple('Mutant', 'file offset old new line text digest')):
    @property
    def key(self):
        return f'{self.file}:{self.offset}:{self.old}>{self.new}:{self.digest}'

    @property
    def name(self):
        return f'{self.file}:{self.line}: {self.old} becomes {self.new or "nothing"}: {self.text}'

    @property
    def swap(self):
        """How equivalent.txt names the change."""
        return ' '.join(f'{self.old} > {self.new}'.split())


def replacements(before, token):
    """What may stand in place of token; before is the token in front of it."""
    operand = re.match(r'[\w)\]]', before or '') and before not in TYPES
    if token in SWAP:
        return SWAP[token]
    if token in '+-' and operand:
        return ['-' if token == '+' else '+']
    if token == '!' and not operand:
        return ['']
    if re.fullmatch(r'\d+u?', token) and before not in ('[', ':', '.', '{'):
        return [re.sub(r'\d+', lambda m: str(int(m[0]) + 1), token)]
    return []


def mutants_of(root, path):
    text = path.read_text()
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    lines = text.split('\n')
    before = None
    for m in TOKEN.finditer(text):
        token = m[0]
        if token.isspace() or token.startswith('/*'):
            continue
        if token[0] in '"\'' or token.lstrip().startswith('#'):
            before = token[0]
            continue
        line = text.count('\n', 0, m.start())
        for new in replacements(before, token):
            yield Mutant(str(path.relative_to(root)), m.start(), token, new,
                         line + 1, lines[line].strip(), digest)
        before = token


def checks_of(root, path):
    text = path.read_text()
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    lines = text.split('\n')
    for offset, old, new in checks.removals(text):
        line = text.count('\n', 0, offset)
        yield Mutant(str(path.relative_to(root)), offset, old, new, line + 1, lines[line].strip(), digest)


# What is changed and how, which programs of the tree judge it, and the tests.
Job = collections.namedtuple('Job', 'sources mutants programs tests log')
POLICY = Job(['policy/eval/*.c', 'policy/validate/*.c', 'policy/core/ext*.c'], mutants_of,
             r'tests/(?:unit_policy|golden_cedar)_\w+|bin/tipstaff',
             r'^(unit\.policy|spec\.cedar\.(own|differs)|golden\.cedar)', 'results.jsonl')
DELEGATION = Job(checks.SOURCES, checks_of, r'tests/(?:unit_trust|spec_ed25519|spec_delegation)_\w+',
                 r'^(unit\.trust|spec\.ed25519|spec\.delegation\.vectors)', 'checks.jsonl')


class Bench:
    """A scratch copy of the tree, built once; then one file changes at a time."""

    def __init__(self, top, work, job):
        self.top, self.source, self.build = top, work / 'src', work.resolve() / 'build'
        self.job = job
        self.env = {k: v for k, v in os.environ.items() if k != 'TIPSTAFF_SHARED'}
        shared = pathlib.Path(os.environ.get('TIPSTAFF_SHARED', top / '../shared')).resolve()
        if job is DELEGATION and shared.is_dir():  # the vectors are its tests too
            self.env['TIPSTAFF_SHARED'] = str(shared)

    def run(self, *command, timeout=1800):
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=timeout, text=True, errors='replace')

    def copy(self):
        names = subprocess.check_output(['git', '-C', self.top, 'ls-files', '-coz', '--exclude-standard'], text=True)
        wanted = set(filter(None, names.split('\0')))
        for name in wanted:
            data = (self.top / name).read_bytes() if (self.top / name).exists() else None
            to = self.source / name
            if data is not None and (not to.exists() or to.read_bytes() != data):
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(data)
                to.chmod((self.top / name).stat().st_mode)
        for old in self.source.rglob('*'):
            if old.is_file() and str(old.relative_to(self.source)) not in wanted:
                old.unlink()

    def prepare(self):
        self.copy()
        made = self.run('cmake', '-G', 'Ninja', '-S', str(self.source), '-B', str(self.build),
                        '-DCMAKE_BUILD_TYPE=Debug', '-DCMAKE_C_FLAGS_DEBUG=-O0')
        if made.returncode != 0:
            sys.exit(made.stdout)
        # ctest knows the command of a test only when its program is there.
        listed = self.run('ninja', '-C', str(self.build), '-t', 'targets', 'all').stdout
        programs = re.findall(rf'^({self.job.programs}): ', listed, re.M)
        built = self.run('ninja', '-C', str(self.build), *programs)
        if built.returncode != 0:
            sys.exit(built.stdout[-4000:])
        shown = subprocess.check_output(['ctest', '--test-dir', str(self.build),
                                         '--show-only=json-v1', '-R', self.job.tests], text=True)
        self.tests = {t['name']: t['command'] for t in json.loads(shown)['tests'] if 'command' in t}
        if not self.tests:
            sys.exit('no test was found')
        self.baseline()

    def baseline(self):
        self.seconds = {}
        for name in list(self.tests):
            start = time.monotonic()
            if self.noticed(name, 120) is not None:
                print(f'left out, fails before anything was changed: {name}')
                del self.tests[name]
            self.seconds[name] = time.monotonic() - start

    def ninja(self, names):
        inside = str(self.build) + '/'
        targets = sorted({pathlib.Path(a).name for n in names for a in self.tests[n] if a.startswith(inside)})
        return self.run('ninja', '-C', str(self.build), *targets)

    def noticed(self, name, timeout):
        """None when the test passes, else the name of what failed in it, if it says so."""
        def limits():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            done = subprocess.run(self.tests[name], stdout=subprocess.PIPE, timeout=timeout,
                                  stderr=subprocess.DEVNULL, preexec_fn=limits, cwd=self.build,
                                  text=True, errors='replace',
                                  env=self.env)
        except subprocess.TimeoutExpired:
            return ''
        if done.returncode == 0:
            return None
        failed = re.findall(r'^\[  FAILED  \] (\w+)$|^\[ RUN      \] (\w+)$(?!.*^\[ )', done.stdout, re.M | re.S)
        return failed[0][0] or failed[0][1] if failed else ''

    def judge(self, mutant, order):
        """The test that notices, 'none', or 'no build'."""
        path = self.source / mutant.file
        text = path.read_text()
        end = mutant.offset + len(mutant.old)
        path.write_text(text[:mutant.offset] + mutant.new + text[end:])
        try:
            # The likely ones alone, the others linked in one go.
            for group in [order[:1], order[1:3], order[3:]]:
                if group and self.ninja(group).returncode != 0:
                    return 'no build'
                for name in group:
                    what = self.noticed(name, 5 + 10 * self.seconds[name])
                    if what is not None:
                        return f'{name} {what}'.strip()
            return 'none'
        finally:
            path.write_text(text)


def equivalents(path):
    """Lines "FILE | source line | OLD > NEW | reason"."""
    known = set()
    for line in path.read_text().splitlines():
        parts = [p.strip() for p in line.split(' | ')]
        if len(parts) == 4 and not line.startswith('#'):
            known.add(tuple(parts[:3]))
    return known


def order_of(tests, seconds, kills):
    """Those that notice most for their time first."""
    return sorted(tests, key=lambda t: -(kills[t] + 0.2) / (seconds[t] + 0.2))


def report(results, known):
    verdicts = collections.Counter()
    noticed = collections.Counter()
    survivors = []
    for m, verdict in results:
        if verdict == 'no build':
            verdicts['do not build'] += 1
        elif verdict != 'none':
            verdicts['noticed'] += 1
            noticed[verdict.split()[0]] += 1
        elif (m.file, m.text, m.swap) in known:
            verdicts['equivalent'] += 1
        else:
            verdicts['survive'] += 1
            survivors.append(m)
    for name, count in noticed.most_common():
        print(f'  {count:5}  {name}')
    for m in sorted(survivors):
        print(f'SURVIVES {m.name}')
    counted = verdicts['noticed'] + verdicts['survive']
    print(f'{counted} mutants: {verdicts["noticed"]} noticed, {verdicts["survive"]} survive; beside them '
          f'{verdicts["equivalent"]} known to be equivalent, {verdicts["do not build"]} that do not build')
    print(f'score {100 * verdicts["noticed"] / counted:.1f} %' if counted else 'no score: nothing was judged')
    return 0 if counted and not survivors else 1


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--top', type=pathlib.Path, required=True)
    p.add_argument('--work', type=pathlib.Path, required=True)
    p.add_argument('--delegation', action='store_true', help='remove checks of the delegation verifier')
    p.add_argument('--sample', type=int, default=0, help='judge only N of them')
    p.add_argument('--seed', default='1')
    p.add_argument('--only', default='', help='only files whose path contains this')
    p.add_argument('--seconds', type=float, default=float('inf'))
    args = p.parse_args()
    job = DELEGATION if args.delegation else POLICY
    bench = Bench(args.top, args.work, job)
    bench.source.mkdir(parents=True, exist_ok=True)
    bench.prepare()
    every = [m for pattern in job.sources for f in sorted(bench.source.glob(pattern))
             if args.only in str(f) for m in job.mutants(bench.source, f)]
    total = len(every)
    if args.sample or not args.delegation:
        random.Random(args.seed).shuffle(every)
    if args.sample:
        every = every[:args.sample]
    log = args.work / job.log
    old = {}
    if log.exists():
        old = {r['key']: r['verdict'] for r in map(json.loads, log.read_text().splitlines())}
    print(f'{len(every)} of {total} mutants, {sum(m.key in old for m in every)} judged before; '
          f'{len(bench.tests)} tests', flush=True)
    kills = collections.defaultdict(collections.Counter)
    results, start = [], time.monotonic()
    with log.open('a') as out:
        for i, m in enumerate(every):
            verdict = old.get(m.key)
            part = m.file if args.delegation else str(pathlib.Path(m.file).parent)
            if verdict is None:
                if time.monotonic() - start > args.seconds:
                    break
                verdict = bench.judge(m, order_of(bench.tests, bench.seconds, kills[part]))
                out.write(json.dumps({'key': m.key, 'verdict': verdict}) + '\n')
                out.flush()
            kills[part][verdict.split(' ')[0]] += 1
            results.append((m, verdict))
            if i % 20 == 19:
                print(f'  {i + 1}/{len(every)}, {time.monotonic() - start:.0f} s', flush=True)
    if args.delegation:
        for m, verdict in sorted(results):
            print(f'{m.file}:{m.line}: {" ".join(m.old.split())} -> {verdict}')
    return report(results, equivalents(args.top / 'tests/mutation/equivalent.txt'))


if __name__ == '__main__':
    sys.exit(main())
