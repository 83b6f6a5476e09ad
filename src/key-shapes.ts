// What a credential looks like. Clients put theirs where they do not belong, a path or a model's name, and what they
// wrote comes back in errors and goes into logs: keys are taken out of it first.

/** Ours, and those of providers whose keys can be told by how they begin. */
const KEY = new RegExp(
  [
    'fma?-[\\w-]{40,}',
    'sk-[\\w-]{16,}',
    'AIza[\\w-]{30,}',
    '(?:gsk|hf|fw|r8|ghp|github_pat|tgp_v1|jina)_\\w{20,}',
    '(?:xai|pplx|csk|nvapi|voyage|pa|tvly)-[\\w-]{20,}',
    'AKIA[A-Z0-9]{16}',
    'eyJ[\\w-]{10,}\\.eyJ[\\w-]{10,}\\.[\\w-]*',
  ]
    .map((shape) => `(?<![\\w-])${shape}`)
    .join('|'),
  'g',
);
/** No key is shorter. Most names are, and cost nothing more. */
const KEY_LENGTH_MIN = 19;

export function hideKeys(text: string): string {
  return text.length < KEY_LENGTH_MIN ? text : text.replace(KEY, '[redacted]');
}

/** Is this a key rather than a name? */
export function hasKey(text: string): boolean {
  return hideKeys(text) !== text;
}
