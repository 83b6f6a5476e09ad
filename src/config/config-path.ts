// A place inside the document: the keys and indexes that lead to it.

export type ConfigPath = readonly (string | number)[];

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;

/** `chains.default[1]`, `chains["gpt-4.1"][0].model`. */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (!PLAIN_KEY.test(segment)) text += `["${segment}"]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}

/** The value at a path, or undefined when the path leads nowhere. */
export function valueAt(root: unknown, path: ConfigPath): unknown {
  let value = root;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[segment];
  }
  return value;
}
