// The real process under load: a changed configuration, signals, and sudden death. What runs, runs on; what was kept, is
// still there.

import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type CommandPlace, commandPlace, type RunningCommand } from '../support/command.ts';
import { startUpstream, type Upstream } from '../support/upstreams/server.ts';

const WORKERS = 16;
const MODEL = 'gpt-4.1-mini';

interface Ended {
  readonly status: number;
  readonly isComplete: boolean;
}

/** Workers that ask one streamed question after the other, until they are told to stop or nobody answers any more. */
class Load {
  readonly ended: Ended[] = [];
  /** Connections that were refused, which is what a client of a stopped node meets. */
  refusedCount = 0;
  readonly #url: string;
  readonly #workers: Promise<void>[];
  #isStopping = false;

  constructor(url: string) {
    this.#url = url;
    this.#workers = Array.from({ length: WORKERS }, () => this.#work());
  }

  async until(count: number): Promise<void> {
    while (this.ended.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    while (!this.#isStopping) {
      const response = await ask(this.#url).catch(() => undefined);
      if (!response) {
        this.refusedCount += 1;
        return;
      }
      const text = await response.text().catch(() => '');
      this.ended.push({ status: response.status, isComplete: text.endsWith('data: [DONE]\n\n') });
    }
  }
}

function ask(url: string): Promise<Response> {
  const body = { model: 'main', messages: [{ role: 'user', content: 'Hello' }], stream: true };
  return fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) });
}

describe('a node under load', () => {
  let first: Upstream;
  let second: Upstream;
  let place: CommandPlace;
  before(async () => {
    const defaults = { delayMs: 2 };
    first = await startUpstream('openai', { defaults });
    second = await startUpstream('openai', { defaults });
    first.respondWith('refusal');
    second.respondWith('refusal');
    place = commandPlace();
  });
  after(async () => {
    place[Symbol.dispose]();
    await first.close();
    await second.close();
  });

  const configFor = (upstream: Upstream, server: object = {}): string =>
    JSON.stringify({
      server,
      accounts: { up: { provider: 'openai', url: upstream.url, key: upstream.key, models: [MODEL] } },
      chains: { main: [`up/${MODEL}`] },
      dataDirectory: './data',
    });
  const start = (server: object = {}): Promise<{ url: string; node: RunningCommand }> => {
    place.write('node.yaml', configFor(first, server));
    return place.startNode(['--config', 'node.yaml']);
  };
  const stop = async (node: RunningCommand): Promise<void> => {
    node.signal('SIGTERM');
    assert.equal((await node.ended).exitCode, 0);
  };

  it('takes over changed configurations and keeps the old one when a new one is wrong: no request is lost', async () => {
    const { url, node } = await start();
    const load = new Load(url);
    await load.until(WORKERS);
    place.write('node.yaml', configFor(second));
    await second.untilRequests(3 * WORKERS);
    const { length } = first.requests;
    place.write('node.yaml', 'chains: {main: [nobody/nothing]}');
    await node.untilStdout(/the new configuration is invalid; the old one stays/);
    assert.match(node.stdout, /node\.yaml.*chains\.main.*nobody/);
    node.signal('SIGHUP');
    await node.untilStdout(/the old one stays[\s\S]*the old one stays/);
    await load.until(load.ended.length + WORKERS);
    assert.equal(first.requests.length, length, 'the wrong configuration changed nothing');
    // As editors and deploy tools do: a new file takes the old one's place.
    renameSync(place.write('new.yaml', configFor(first)), place.path('node.yaml'));
    await first.untilRequests(length + 3 * WORKERS);
    place.write('node.yaml', configFor(second));
    node.signal('SIGHUP');
    await second.untilRequests(second.requests.length + 3 * WORKERS);
    await load.stop();
    assert.deepEqual(unexpected(load, [200]), []);
    assert.equal(load.refusedCount, 0);
    await stop(node);
  });

  it('lets every running answer end when it is told to stop, and refuses new ones', async () => {
    const { url, node } = await start();
    const load = new Load(url);
    await load.until(2 * WORKERS);
    node.signal('SIGTERM');
    const { exitCode, stdout } = await node.ended;
    await load.stop();
    assert.equal(exitCode, 0);
    assert.match(stdout, /"msg":"stopped"/);
    assert.deepEqual(unexpected(load, [200, 503]), []);
    assert.equal(first.openStreams, 0);
  });

  it('cuts what is still running when the drain time is over, so that clients notice', async () => {
    const { url, node } = await start({ drainTimeoutMs: 200 });
    first.respondWith({ scenario: 'refusal', fault: { type: 'hang-mid-stream', after: 2 } });
    const response = await ask(url);
    node.signal('SIGTERM');
    await assert.rejects(response.text());
    assert.equal((await node.ended).exitCode, 0);
    first.respondWith('refusal');
  });

  it('ends at once when it is told twice, so that clients notice', async () => {
    const { url, node } = await start();
    first.respondWith({ scenario: 'refusal', fault: { type: 'hang-mid-stream', after: 2 } });
    const response = await ask(url);
    node.signal('SIGTERM');
    await node.untilStdout(/stopping/);
    node.signal('SIGINT');
    await assert.rejects(response.text());
    assert.equal((await node.ended).exitCode, 1);
    first.respondWith('refusal');
  });

  it('has what it kept after it was killed, and takes requests again', async () => {
    const killed = await start();
    const load = new Load(killed.url);
    const ids: string[] = [];
    for (let turn = 0; turn < 20; turn += 1) ids.push(await storedResponse(killed.url));
    killed.node.signal('SIGKILL');
    assert.equal((await killed.node.ended).signal, 'SIGKILL');
    await load.stop();
    const { url, node } = await start();
    for (const id of ids) {
      const response = await fetch(`${url}/v1/responses/${id}`);
      assert.equal(response.status, 200, id);
      assert.equal(((await response.json()) as { id: string }).id, id);
    }
    const next = new Load(url);
    await next.until(2 * WORKERS);
    await next.stop();
    assert.deepEqual(unexpected(next, [200]), []);
    await stop(node);
  });
});

/** Answers that are neither complete nor refused in order. */
function unexpected(load: Load, statuses: readonly number[]): readonly Ended[] {
  return load.ended.filter(({ status, isComplete }) => !statuses.includes(status) || (status === 200 && !isComplete));
}

async function storedResponse(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    body: JSON.stringify({ model: 'main', input: 'Hello', store: true }),
  });
  assert.equal(response.status, 200);
  return ((await response.json()) as { id: string }).id;
}
