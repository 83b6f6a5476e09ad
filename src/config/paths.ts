// Where the configuration and the state are looked for when nobody says.

import { isAbsolute, join, resolve } from 'node:path';
import type { Environment } from './interpolate.ts';

/**
 * Candidates in order. `./config.yaml` is not among them: it is too often another program's, so it takes `--config`.
 * The first is the operator's explicit word: it is used even when the file is missing, which is then an error.
 */
export function configCandidates(env: Environment, directory: string): readonly string[] {
  if (env.FLOWMESH_CONFIG) return [resolve(directory, env.FLOWMESH_CONFIG)];
  const user = absolute(env.XDG_CONFIG_HOME) ?? (env.HOME ? join(env.HOME, '.config') : undefined);
  return [
    join(directory, 'flowmesh.yaml'),
    join(directory, 'flowmesh.yml'),
    ...(user === undefined ? [] : [join(user, 'flowmesh', 'config.yaml')]),
    '/etc/flowmesh/config.yaml',
  ];
}

/** Undefined when the environment does not even say where home is. */
export function defaultDataDirectory(env: Environment): string | undefined {
  if (env.FLOWMESH_HOME) return resolve(env.FLOWMESH_HOME);
  const data = absolute(env.XDG_DATA_HOME);
  if (data !== undefined) return join(data, 'flowmesh');
  return env.HOME ? join(env.HOME, '.local', 'share', 'flowmesh') : undefined;
}

/** A path from the file: `~` is home, a relative one starts at the file's directory. */
export function resolveFrom(directory: string, written: string, env: Environment): string {
  const home = env.HOME;
  if (home && (written === '~' || written.startsWith('~/'))) return join(home, written.slice(1));
  return resolve(directory, written);
}

/** The XDG rules say to ignore relative values. */
function absolute(path: string | undefined): string | undefined {
  return path && isAbsolute(path) ? path : undefined;
}
