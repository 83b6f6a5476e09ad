// A node whose compiled code is written beside its bundle when its parent says so; precompile.ts starts it.

import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { commonJsScript, compiledPath, runCommonJs } from '../src/cli/precompiled.ts';

const main = process.env.FLOWMESH_MAIN;
if (main === undefined) throw new Error('FLOWMESH_MAIN must name the bundle.');
const script = commonJsScript(main);
// V8 forgets the compiled code of what has not run for a while. Its flags must be the usual ones in the end.
setFlagsFromString('--no-flush-bytecode');
process.on('message', () => {
  setFlagsFromString('--flush-bytecode');
  writeFileSync(compiledPath(main), script.createCachedData());
  process.exit();
});
runCommonJs(script, main);
