// flowmesh itself, from its sources, but its ledger and limits can be switched off and on while it runs: two processes of
// one program differ by more than what is to be measured. The parent says so by IPC.

import { Accountant, type OpenAccount } from '../src/tenancy/accountant.ts';

const UNACCOUNTED: OpenAccount = {
  rateLimit: {},
  promptUsage: undefined,
  noteSent: () => undefined,
  moveTo: () => undefined,
  settle: () => undefined,
};

const { open } = Accountant.prototype;
let isOn = true;
Accountant.prototype.open = function (request) {
  return isOn ? open.call(this, request) : UNACCOUNTED;
};
process.on('message', (wanted: 'with' | 'without') => {
  isOn = wanted === 'with';
  process.send?.(wanted);
});
// The command line ends the process by ending its work: the channel must not keep it.
process.channel?.unref();

await import('../src/main.ts');
