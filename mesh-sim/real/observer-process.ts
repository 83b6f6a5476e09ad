// Looks at every node from a machine beside them: whom it believes to be alive, and which models it offers.

import { Agent, request } from 'node:http';
import { moment } from './moment.ts';

export interface Watched {
  readonly name: string;
  readonly url: string;
  /** Of its admin API. */
  readonly token: string;
}

export interface ObserverOrder {
  /** All of them; those not named are watched no more. */
  readonly nodes: readonly Watched[];
  readonly everyMs: number;
  /** At every so many-th look it is asked, too, how many documents they have. 0: never. */
  readonly documentsEvery: number;
}

/** What one node believed at a moment. */
export interface Sight {
  readonly at: number;
  readonly node: string;
  /** Of the others, by name. Absent: the node did not answer. */
  readonly states?: Readonly<Record<string, string>>;
  /** That it knows others to serve. */
  readonly models?: readonly string[];
  /** Of its knowledge; absent: not asked. */
  readonly documents?: number;
}

export type ObserverNews = { readonly kind: 'ready' } | { readonly kind: 'sight'; readonly sight: Sight };

interface Peer {
  readonly name: string;
  readonly state: string;
  readonly models: readonly { readonly model: string }[];
}

const ANSWER_MS = 1_000;
const agent = new Agent({ keepAlive: true });
let timer: NodeJS.Timeout | undefined;
const underWay = new Set<string>();

process.on('disconnect', () => process.exit());
process.on('message', ({ nodes, everyMs, documentsEvery }: ObserverOrder) => {
  clearInterval(timer);
  let looks = 0;
  timer = setInterval(() => {
    looks += 1;
    const countsDocuments = documentsEvery > 0 && looks % documentsEvery === 0;
    for (const node of nodes) void look(node, countsDocuments);
  }, everyMs);
});
tell({ kind: 'ready' });

async function look(node: Watched, countsDocuments: boolean): Promise<void> {
  if (underWay.has(node.name)) return;
  underWay.add(node.name);
  try {
    const { peers } = (await get(`${node.url}/mesh`, node.token)) as { readonly peers: readonly Peer[] };
    const states = Object.fromEntries(peers.map(({ name, state }) => [name, state]));
    const models = [...new Set(peers.flatMap((peer) => peer.models.map(({ model }) => model)))];
    const documents = countsDocuments ? { documents: await documentsOf(node) } : {};
    tell({ kind: 'sight', sight: { at: moment(), node: node.name, states, models, ...documents } });
  } catch {
    // A node that is down or stopped: that is what was seen.
    tell({ kind: 'sight', sight: { at: moment(), node: node.name } });
  } finally {
    underWay.delete(node.name);
  }
}

async function documentsOf({ url, token }: Watched): Promise<number> {
  const { data } = (await get(`${url}/admin/knowledge`, token)) as { data: readonly { readonly documents: number }[] };
  return data.reduce((sum, { documents }) => sum + documents, 0);
}

function get(url: string, bearer: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, timeout: ANSWER_MS, headers: { authorization: `Bearer ${bearer}` } });
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', reject);
    asked.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${response.statusCode}: ${text}`));
      });
    });
    asked.end();
  });
}

function tell(news: ObserverNews): void {
  if (process.connected) process.send?.(news);
}
