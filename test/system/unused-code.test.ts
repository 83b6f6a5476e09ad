import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { releaseUnusedCode, unchangedMappings } from '../../src/system/unused-code.ts';

const mapping = (head: string, anonymous: number): string =>
  `${head}\nSize:               1024 kB\nRss:                 900 kB\nAnonymous:       ${String(anonymous).padStart(8)} kB\nVmFlags: rd ex mr mw me sd \n`;

test('only what is as it is in its file, and cannot be written to, is let go', () => {
  const smaps = [
    mapping('00400000-00500000 r-xp 00000000 fe:00 42                         /usr/bin/node', 0),
    mapping('00500000-00600000 r--p 00100000 fe:00 42                         /usr/bin/node', 0),
    mapping('00600000-00700000 r--p 00200000 fe:00 42                         /usr/bin/node', 4),
    mapping('00700000-00800000 rw-p 00300000 fe:00 42                         /usr/bin/node', 0),
    mapping('00800000-00900000 rw-p 00000000 00:00 0                          [heap]', 0),
    mapping('00900000-00a00000 r--p 00000000 00:00 0 ', 0),
    mapping('00a00000-00b00000 r--s 00000000 fe:00 43                         /data/gateway.db', 0),
    mapping('7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                          [vdso]', 0),
    mapping('7fff00000000-7fff00001000 r-xp 00000000 fe:00 44                         /lib/with a space.so', 0),
  ].join('');
  assert.deepEqual(unchangedMappings(smaps), [
    { start: 0x400000n, length: 0x100000n },
    { start: 0x500000n, length: 0x100000n },
    { start: 0x7fff00000000n, length: 0x1000n },
  ]);
});

const CAN_ADVISE = process.platform === 'linux' && Number.parseInt(process.versions.node, 10) >= 26;
/** Resident files, kB. */
const residentFiles = (): number =>
  Number(/^RssFile:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);

test('most of the node binary leaves the process, which goes on', { skip: !CAN_ADVISE }, () => {
  const before = residentFiles();
  releaseUnusedCode();
  assert.ok(residentFiles() < before / 2);
  assert.deepEqual(JSON.parse('{"of": [1, 2.5]}'), { of: [1, 2.5] });
  assert.equal(new Intl.NumberFormat('de').format(1_234.5), '1.234,5');
});
