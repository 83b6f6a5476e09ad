// What the commands of this repository are told. Whatever is wrong with it ends them with one sentence and exit code 2,
// before they have begun anything.

import { type ParseArgsConfig, parseArgs } from 'node:util';

export function readOptions<const Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    return refuse((error as Error).message.replaceAll('\n', ' '));
  }
}

/** Ends this process. */
export function refuse(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(2);
}

export function wholeNumber(option: string, text: string, least = 1): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
  return refuse(`--${option} takes a whole number from ${least} on, not '${text}'.`);
}

export function oneOf(what: string, name: string, known: readonly string[]): string {
  return known.includes(name) ? name : refuse(`There is no ${what} '${name}'. Known: ${known.join(', ')}.`);
}
