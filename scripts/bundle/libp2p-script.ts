// What src/ uses of libp2p's packages becomes a script of its own, libp2p.cjs, so that its compiled code can be kept. Where
// src/ imports such a package, the bundle gets a module that takes the same names from the script.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');
/** The only folder that knows libp2p: test/architecture.test.ts. */
const USERS = join(ROOT, 'src/mesh/libp2p');
const PACKAGE = /^(@libp2p|@chainsafe|@multiformats|libp2p|multiformats)(\/|$)/;
const IMPORT = /^import \{([^}]*)\} from '([^']+)';$/gm;
const SCRIPT = 'libp2p.cjs';

/** Builds the script; returns its path and the plugin that puts it in the packages' place. */
export async function buildLibp2pScript(directory: string, options: BuildOptions) {
  const names = importedNames();
  const path = join(directory, SCRIPT);
  await build({
    ...options,
    stdin: { contents: scriptText(names), resolveDir: ROOT },
    outfile: path,
    format: 'cjs',
  });
  return { path, libp2pApart: pluginFor(names) };
}

/** Of each package the names that are imported from it, not only as types. */
function importedNames(): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>();
  for (const file of readdirSync(USERS)) {
    for (const [, list = '', from = ''] of readFileSync(join(USERS, file), 'utf8').matchAll(IMPORT)) {
      const values = list.split(',').map((name) => name.trim().split(' as ')[0] ?? '');
      const known = names.get(from) ?? new Set();
      for (const name of values) if (name !== '' && !name.startsWith('type ')) known.add(name);
      if (PACKAGE.test(from)) names.set(from, known);
    }
  }
  return names;
}

function scriptText(names: ReadonlyMap<string, ReadonlySet<string>>): string {
  return [...names]
    .map(([from, exported]) => {
      const pairs = [...exported].map((name) => `${name} as ${exportName(from, name)}`);
      return `export { ${pairs.join(', ')} } from '${from}';`;
    })
    .join('\n');
}

/** Two packages may export the same name. */
function exportName(from: string, name: string): string {
  return `${from.replaceAll(/\W/g, '_')}__${name}`;
}

function pluginFor(names: ReadonlyMap<string, ReadonlySet<string>>): Plugin {
  return {
    name: 'libp2p-apart',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: PACKAGE }, ({ path, importer }) =>
        importer.startsWith(USERS) ? { path, namespace: 'libp2p' } : undefined,
      );
      onResolve({ filter: /^libp2p-script$/ }, ({ path }) => ({ path, namespace: 'libp2p-script' }));
      onLoad({ filter: /./, namespace: 'libp2p' }, ({ path }) => {
        const pairs = [...(names.get(path) ?? [])].map((name) => `${exportName(path, name)}: ${name}`);
        const contents = `import { script } from 'libp2p-script'; export const { ${pairs.join(', ')} } = script;`;
        return { contents, resolveDir: ROOT };
      });
      onLoad({ filter: /./, namespace: 'libp2p-script' }, () => ({
        contents: `import { join } from 'node:path';
          import { runScript } from './scripts/bundle/run-script.ts';
          export const script = runScript(join(import.meta.dirname, '${SCRIPT}'));`,
        resolveDir: ROOT,
      }));
    },
  };
}
