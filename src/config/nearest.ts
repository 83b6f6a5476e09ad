// "Did you mean": the known name that is closest to what was written.

/** What other gateways and SDKs call our keys, in lower case without separators. */
const SYNONYMS: Readonly<Record<string, string>> = {
  apikey: 'key',
  apikeys: 'keys',
  apibase: 'url',
  baseurl: 'url',
  endpoint: 'url',
  deployment: 'model',
  modelname: 'model',
  type: 'provider',
  vendor: 'provider',
  timeout: 'timeouts',
  retry: 'retries',
  fallbacks: 'targets',
  bind: 'host',
  address: 'host',
  org: 'organization',
  warning: 'warn',
  verbose: 'debug',
};

/** Undefined when nothing is close enough to be what was meant. */
export function nearest(written: string, known: Iterable<string>): string | undefined {
  const names = [...known];
  const plain = simplify(written);
  const same = names.find((name) => simplify(name) === plain);
  if (same !== undefined) return same;

  let best: string | undefined;
  // A third of the letters may be wrong: 'modle' is 'model', 'port' is not 'host', and 'q' is nothing.
  let bestDistance = Math.floor(plain.length / 3) + 1;
  for (const name of names) {
    const distance = editDistance(plain, simplify(name));
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  const synonym = SYNONYMS[plain];
  return best ?? (synonym !== undefined && names.includes(synonym) ? synonym : undefined);
}

/** ` Did you mean 'x'?`, or the alternative when nothing is near. */
export function suggestion(written: string, known: Iterable<string>, otherwise = ''): string {
  const near = nearest(written, known);
  return near === undefined ? otherwise : ` Did you mean '${near}'?`;
}

/** snake_case, kebab-case and camelCase of the same words become equal. */
function simplify(name: string): string {
  return name.replaceAll(/[_\-\s]/g, '').toLowerCase();
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other. */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwap = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      const steps = [
        cell(previous, column) + 1,
        cell(current, column - 1) + 1,
        cell(previous, column - 1) + (isSame ? 0 : 1),
      ];
      if (isSwap) steps.push(cell(beforePrevious, column - 2) + 1);
      current.push(Math.min(...steps));
    }
    beforePrevious = previous;
    previous = current;
  }
  return cell(previous, right.length);
}

function cell(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
