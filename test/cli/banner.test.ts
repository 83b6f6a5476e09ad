import assert from 'node:assert/strict';
import { chdir, cwd } from 'node:process';
import { after, test } from 'node:test';
import { banner } from '../../src/cli/banner.ts';
import { fromLoaded, loadOptions } from '../../src/cli/load-config.ts';
import { parseConfig } from '../../src/config/load.ts';

const here = cwd();
after(() => chdir(here));

function shownFrom(directory: string, file: string): string | undefined {
  const loaded = parseConfig('chains: {default: [flowmesh/extractive]}', {
    ...loadOptions({ HOME: '/nobody' }),
    path: file,
  });
  chdir(directory);
  return /\n {2}config {3}(.*)\n/.exec(banner(fromLoaded(loaded, file, {}), 'http://localhost:2402', false))?.[1];
}

test('the configuration is named as one would write it here, and to a service, which runs in /, by its whole path', () => {
  assert.equal(shownFrom('/tmp', '/tmp/a/flowmesh.yaml'), 'a/flowmesh.yaml');
  assert.equal(shownFrom('/tmp', '/etc/flowmesh/config.yaml'), '/etc/flowmesh/config.yaml');
  assert.equal(shownFrom('/', '/etc/flowmesh/config.yaml'), '/etc/flowmesh/config.yaml');
});
