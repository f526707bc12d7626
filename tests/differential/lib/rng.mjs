// A small seeded generator (sfc32): every case follows from (seed, kind, index).
function mix(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

export class Rng {
  constructor(...keys) {
    const text = keys.join("/");
    this.a = mix(`a${text}`);
    this.b = mix(`b${text}`);
    this.c = mix(`c${text}`);
    this.d = 1;
    for (let i = 0; i < 15; i++) this.next();
  }

  next() {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + t;
    this.c |= 0;
    return t >>> 0;
  }

  below(n) {
    return n <= 1 ? 0 : this.next() % n;
  }

  between(lo, hi) {
    return lo + this.below(hi - lo + 1);
  }

  chance(percent) {
    return this.next() % 1000 < percent * 10;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  // Each member of list with the given chance.
  some(list, percent) {
    return list.filter(() => this.chance(percent));
  }

  // { name: weight } -> name
  weighted(table) {
    let total = 0;
    for (const k in table) total += table[k];
    let at = this.below(total);
    for (const k in table) {
      if (at < table[k]) return k;
      at -= table[k];
    }
    return undefined;
  }
}
