"""The checks of the delegation verifier, each removed in turn.

A check is an operand of a condition that leads to a refusal, or of a predicate
that is returned. Removed, it is still evaluated (so that what it assigns is
there) and its answer does not count: `(x)` becomes `((x), 0)` where true refuses
and `((x), 1)` where true accepts.

A reader's error is sticky and asked for at the end of every body (smp_done(),
mp_done()); asking on the way only ends the reading sooner, and is not listed.
"""
import re

FILES = ['chain', 'delegation', 'delegation_now', 'handshake', 'handshake_msg', 'signed',
         'revocation_record', 'heartbeat', 'directory_snapshot', 'agent_cert', 'store',
         'store_find', 'keys', 'revocation', 'smp', 'id']
SOURCES = [f'proto/trust/{f}.c' for f in FILES]
GOOD = {'TRUST_OK', 'TS_OK', 'true'}
OPEN, CLOSE = '([{', ')]}'
STICKY = re.compile(r'!intact\(|\(c = smp_error\(&?s\)\) != TRUST_OK$')
REFUSAL = re.compile(r'\s*(return\b[^;]*;|mp_fail\([^;]*;|kind = REVOCATION_\w+;)')


def blank(text):
    """The same text with comments, strings and directives as spaces: offsets stay."""
    skip = re.compile(r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*',
                      re.S | re.M)
    return skip.sub(lambda m: re.sub(r'[^\n]', ' ', m[0]), text)


def closing(text, at):
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] in OPEN) - (text[i] in CLOSE)
        if depth == 0:
            return i
    return len(text)


def split(text, start, end, operator):
    """Ranges of what stands between the operators of the top level."""
    parts, depth, begin, i = [], 0, start, start
    while i < end:
        depth += (text[i] in OPEN) - (text[i] in CLOSE)
        if depth == 0 and text.startswith(operator, i):
            parts.append((begin, i))
            i += len(operator)
            begin = i
            continue
        i += 1
    return parts + [(begin, end)]


def trim(text, start, end):
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def conditions(text):
    for m in re.finditer(r'\bif\s*\(', text):
        end = closing(text, m.end() - 1)
        if not REFUSAL.match(text, end + 1):
            continue
        for a, b in split(text, m.end(), end, '||'):
            yield *trim(text, a, b), 0


def returned(text, start, end):
    question = split(text, start, end, '?')
    if len(question) == 2:
        arms = [text[slice(*trim(text, *p))] for p in split(text, *question[1], ':')]
        if len(arms) == 2 and (arms[0] in GOOD) != (arms[1] in GOOD):
            yield *trim(text, *question[0]), int(arms[0] in GOOD)
        return
    either = split(text, start, end, '||')
    if len(either) > 1:
        if re.search(r'\bfail\(', text[slice(*either[-1])]):
            yield from ((*trim(text, a, b), 1) for a, b in either[:-1])
        return
    every = split(text, start, end, '&&')
    if len(every) > 1 or re.search(r'[=!]=|[^-]>|<', text[start:end]):
        yield from ((*trim(text, a, b), 1) for a, b in every)


def answers(text):
    for m in re.finditer(r'\breturn\b([^;]*);', text):
        yield from returned(text, m.start(1), m.end(1))


def bare(text):
    """A refusal that no condition of its own guards, as in a switch."""
    for m in re.finditer(r'[;{}:]\s*return (T(?:RUST|S))_E_\w+;', text):
        start = text.index('return', m.start()) + len('return ')
        yield start, m.end() - 1, m[1] + '_OK'


def removals(text):
    """(offset, old, new) of each check, in the order of the file."""
    seen, bl = {}, blank(text)
    for start, end, value in [*conditions(bl), *answers(bl)]:
        old = text[start:end]
        if start < end and not STICKY.match(old):
            seen.setdefault((start, end), (start, old, f'(({old}), {value})'))
    for start, end, new in bare(bl):
        seen.setdefault((start, end), (start, text[start:end], new))
    return [seen[k] for k in sorted(seen)]
