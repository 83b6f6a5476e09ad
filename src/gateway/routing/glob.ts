// Names with `*` for any text, case aside.

export function matchesGlob(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*');
  const actual = text.toLowerCase();
  const last = rest.pop();
  if (last === undefined) return actual === first;
  if (!actual.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = actual.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return actual.length - last.length >= at && actual.endsWith(last);
}
