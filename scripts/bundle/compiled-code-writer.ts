// Loaded before a node that precompile.ts has started: when its parent says so, what V8 has compiled of one script until
// then is written beside it, and the process ends.

import { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import vm, { type ScriptOptions } from 'node:vm';
import { compiledPath } from './run-script.ts';

const path = process.env.FLOWMESH_COMPILED_SCRIPT;
if (path === undefined) throw new Error('FLOWMESH_COMPILED_SCRIPT must name the script.');

let watched: vm.Script | undefined;
vm.Script = class extends vm.Script {
  constructor(text: string, options: ScriptOptions) {
    super(text, options);
    if (options.filename === path) watched = this;
  }
};
syncBuiltinESMExports();

// V8 forgets the compiled code of what has not run for a while. Its flags must be the usual ones in the end.
setFlagsFromString('--no-flush-bytecode');
process.on('message', () => {
  setFlagsFromString('--flush-bytecode');
  if (watched) writeFileSync(compiledPath(path), watched.createCachedData());
  process.exit(watched ? 0 : 1);
});
