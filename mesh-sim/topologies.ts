// The places where meshes live, as data: who is there, what lies between them, what goes wrong when. The simulation
// and the real processes read the same table. Nodes are numbered from 0; times are milliseconds from the start.

/** What a cable or a radio between two nodes is like. Both directions are alike. */
export interface LinkQuality {
  /** One way. */
  readonly delayMs: number;
  /** Added at random, up to this much; more than the gap between two packets means reordering. */
  readonly jitterMs: number;
  /** Of packets, from 0 to 1. */
  readonly lossRate: number;
  /** Of packets that arrive twice, from 0 to 1. */
  readonly duplicationRate?: number;
  /** Absent: unlimited. */
  readonly bitsPerSecond?: number;
}

export type NodeList = 'all' | readonly number[];

/** Something that happens to the network, to a node or to its upstream. */
export type Fault =
  /** Nothing passes from one side to the other; `isOneWay`: from `from` to `to` only. */
  | {
      readonly kind: 'cut';
      readonly from: readonly number[];
      readonly to: readonly number[];
      readonly isOneWay?: boolean;
    }
  /** Undoes cuts between these, or all cuts, also those that the links began with. */
  | { readonly kind: 'heal'; readonly from?: readonly number[]; readonly to?: readonly number[] }
  /** A partition: each group hears only itself. */
  | { readonly kind: 'partition'; readonly groups: readonly (readonly number[])[] }
  /** kill -9 at once; it stays away until `boot`. */
  | { readonly kind: 'crash'; readonly nodes: NodeList }
  /** The plug is pulled: nobody is told. */
  | { readonly kind: 'power-off'; readonly nodes: NodeList }
  | { readonly kind: 'boot'; readonly nodes: NodeList }
  /** A clean end with drain; it stays away until `boot`. */
  | { readonly kind: 'stop'; readonly nodes: NodeList }
  /** SIGSTOP and SIGCONT. */
  | { readonly kind: 'pause'; readonly nodes: NodeList }
  | { readonly kind: 'resume'; readonly nodes: NodeList }
  /** The disk takes nothing more; `isFull` false: there is space again. */
  | { readonly kind: 'disk-full'; readonly nodes: NodeList; readonly isFull: boolean }
  /** The wall clock is set this far from the true time. */
  | { readonly kind: 'clock'; readonly nodes: NodeList; readonly offsetMs: number }
  /** How the upstream of these nodes behaves from now on. */
  | { readonly kind: 'upstream'; readonly nodes: NodeList; readonly mood: UpstreamMood }
  /** So many documents are stored on a node at once. */
  | { readonly kind: 'import'; readonly node: number; readonly documents: number }
  /** The mesh shuts a member out, for good. */
  | { readonly kind: 'evict'; readonly by: number; readonly node: number };

/** `cut`: answers break off in the middle. `stall`: they begin and say no more. */
export type UpstreamMood = 'well' | 'slow' | 'stall' | 'refuse' | 'rate-limit' | 'cut';

/** The same node at more than one moment is written as several events. */
export type TimedFault = Fault & { readonly atMs: number };

export interface Topology {
  readonly name: string;
  /** One sentence for people. */
  readonly about: string;
  readonly nodes: number;
  readonly link: LinkQuality;
  /** Who has a way to whom at the start: everybody, or these pairs. A node never relays packets of others. */
  readonly links: 'all' | readonly (readonly [number, number])[];
  /** Nodes with an upstream of their own; the others have only their peers. */
  readonly upstreams: NodeList;
  /** Present from the start; default: all. The others are started by `boot`. */
  readonly present?: NodeList;
  /** In the order of their time. */
  readonly faults: readonly TimedFault[];
  /** Clients ask until here; then the mesh has `settleMs` to agree. */
  readonly durationMs: number;
  readonly settleMs: number;
  /** Requests a second, over all nodes. */
  readonly requestRate: number;
  /** Where it can run; thousands of real processes or a real week cannot. Default: both. */
  readonly levels?: readonly ('simulated' | 'real')[];
  /** Real processes run it this many times faster: all times above are divided by it. Default 1. */
  readonly realSpeed?: number;
  /** The simulation likewise; there all wall clocks run faster to make up for it. Default 1. */
  readonly simulatedSpeed?: number;
}

const LAN: LinkQuality = { delayMs: 0.3, jitterMs: 0.4, lossRate: 0 };
const WIFI: LinkQuality = { delayMs: 3, jitterMs: 12, lossRate: 0.02, duplicationRate: 0.005 };
const SATELLITE: LinkQuality = { delayMs: 300, jitterMs: 40, lossRate: 0.01, bitsPerSecond: 64_000 };
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const WEEK = 7 * 24 * HOUR;

type Defaulted = 'link' | 'links' | 'upstreams' | 'faults' | 'durationMs' | 'settleMs' | 'requestRate';

/** What most have in common: a LAN on which everybody has an upstream. */
export function topology(about: Omit<Topology, Defaulted> & Partial<Pick<Topology, Defaulted>>): Topology {
  return {
    link: LAN,
    links: 'all',
    upstreams: 'all',
    faults: [],
    durationMs: 30 * SECOND,
    settleMs: 30 * SECOND,
    requestRate: 5,
    ...about,
  };
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Fresh pairs, each with the next. */
function chainOf(nodes: number): readonly (readonly [number, number])[] {
  return range(1, nodes).map((node) => [node - 1, node] as const);
}

/** All pairs within each group. */
function cliques(...groups: readonly (readonly number[])[]): readonly (readonly [number, number])[] {
  return groups.flatMap((group) => group.flatMap((a, index) => group.slice(index + 1).map((b) => [a, b] as const)));
}

/** The same, again and again: what happens in each round, which begins at a time. */
function rounds(
  count: number,
  firstMs: number,
  everyMs: number,
  faultsOf: (round: number, atMs: number) => readonly TimedFault[],
): readonly TimedFault[] {
  return range(0, count).flatMap((round) => faultsOf(round, firstMs + round * everyMs));
}

/** A radio that goes every few seconds, of each node in turn. */
function flapping(nodes: number, count: number): readonly TimedFault[] {
  return rounds(count, 4 * SECOND, 3 * SECOND, (round, atMs) => {
    const from = [round % nodes];
    const to = range(0, nodes).filter((other) => !from.includes(other));
    return [
      { atMs, kind: 'cut', from, to },
      { atMs: atMs + 1.5 * SECOND, kind: 'heal', from, to },
    ];
  });
}

/** One node dies every ten seconds and is back five seconds later. */
function churn(all: number, count: number): readonly TimedFault[] {
  return rounds(count, 10 * SECOND, 10 * SECOND, (round, atMs) => [
    { atMs, kind: round % 2 === 0 ? 'crash' : 'stop', nodes: [round % all] },
    { atMs: atMs + 5 * SECOND, kind: 'boot', nodes: [round % all] },
  ]);
}

/** A node carried between two places: it meets one, then the other, never both. */
function mule([first, second]: readonly [readonly number[], readonly number[]], carrier: number, trips: number) {
  return rounds(trips, 0, 15 * SECOND, (trip, atMs) => {
    const [here, there] = trip % 2 === 0 ? [first, second] : [second, first];
    return [
      { atMs, kind: 'heal', from: [carrier], to: here },
      { atMs, kind: 'cut', from: [carrier], to: there },
      { atMs: atMs + 10 * SECOND, kind: 'cut', from: [carrier], to: [...here, ...there] },
    ];
  });
}

export const TOPOLOGIES: readonly Topology[] = [
  topology({
    name: 'lan',
    about: 'Five nodes on one switch; one of them dies and comes back.',
    nodes: 5,
    faults: [
      { atMs: 10 * SECOND, kind: 'crash', nodes: [1] },
      { atMs: 20 * SECOND, kind: 'boot', nodes: [1] },
    ],
  }),
  topology({
    name: 'line',
    about: 'Five nodes in a row; each hears only its neighbours.',
    nodes: 5,
    links: chainOf(5),
    upstreams: [0, 2, 4],
  }),
  topology({
    name: 'star',
    about: 'Five nodes that reach each other only by way of the first; it fails and comes back.',
    nodes: 6,
    links: range(1, 6).map((leaf) => [0, leaf] as const),
    faults: [
      { atMs: 10 * SECOND, kind: 'crash', nodes: [0] },
      { atMs: 18 * SECOND, kind: 'boot', nodes: [0] },
    ],
  }),
  topology({
    name: 'bridge',
    about: 'Two islands of three with one node that is in both.',
    nodes: 7,
    links: cliques([0, 1, 2, 3], [3, 4, 5, 6]),
    upstreams: [0, 3, 5],
  }),
  topology({
    name: 'mule',
    about: 'Two islands that never meet but for a node that is carried between them.',
    nodes: 5,
    links: cliques([0, 1], [2, 3]),
    upstreams: [0, 2, 4],
    faults: mule(
      [
        [0, 1],
        [2, 3],
      ],
      4,
      6,
    ),
    durationMs: 90 * SECOND,
  }),
  topology({
    name: 'week-away',
    about: 'One node of four is alone for a week, and comes home.',
    nodes: 4,
    faults: [
      { atMs: 10 * SECOND, kind: 'cut', from: [3], to: [0, 1, 2] },
      { atMs: WEEK, kind: 'heal' },
    ],
    durationMs: WEEK + 10 * SECOND,
    requestRate: 20 / (WEEK / SECOND),
    realSpeed: WEEK / (40 * SECOND),
    simulatedSpeed: WEEK / (120 * SECOND),
  }),
  topology({
    name: 'flapping-wifi',
    about: 'Five nodes on a bad radio that loses each of them in turn.',
    nodes: 5,
    link: WIFI,
    faults: flapping(5, 8),
  }),
  topology({
    name: 'one-way',
    about: 'What the first of four nodes sends arrives nowhere, though it hears the others.',
    nodes: 4,
    faults: [
      { atMs: 8 * SECOND, kind: 'cut', from: [0], to: [1, 2, 3], isOneWay: true },
      { atMs: 22 * SECOND, kind: 'heal' },
    ],
  }),
  topology({
    name: 'satellite',
    about: 'Three nodes, 600 ms apart and back, with 64 kbit/s and 1 % loss.',
    nodes: 3,
    link: SATELLITE,
    requestRate: 1,
    durationMs: 60 * SECOND,
    settleMs: 60 * SECOND,
  }),
  topology({
    name: 'no-internet',
    about: 'Four nodes whose upstreams out there are all gone for a while; one has a model in its own house.',
    nodes: 4,
    faults: [
      { atMs: 5 * SECOND, kind: 'upstream', nodes: [0, 1, 2], mood: 'refuse' },
      { atMs: 25 * SECOND, kind: 'upstream', nodes: [0, 1, 2], mood: 'well' },
    ],
  }),
  topology({
    name: 'reboot',
    about: 'A power cut: everybody reboots at once, with the clock that the battery-less ones have.',
    nodes: 5,
    faults: [
      { atMs: 10 * SECOND, kind: 'power-off', nodes: 'all' },
      { atMs: 12 * SECOND, kind: 'clock', nodes: [0, 3], offsetMs: -50 * 365 * 24 * HOUR },
      { atMs: 12 * SECOND, kind: 'boot', nodes: 'all' },
    ],
  }),
  topology({
    name: 'churn',
    about: 'Every ten seconds one of six nodes goes, cleanly or not, and comes back.',
    nodes: 6,
    faults: churn(6, 9),
    durationMs: 100 * SECOND,
  }),
  topology({
    name: 'late-joiner',
    about: 'A fifth node joins while another one stores a thousand documents.',
    nodes: 5,
    present: [0, 1, 2, 3],
    faults: [
      { atMs: 5 * SECOND, kind: 'import', node: 0, documents: 1_000 },
      { atMs: 6 * SECOND, kind: 'boot', nodes: [4] },
    ],
  }),
  topology({
    name: 'frozen',
    about: 'One of four processes is stopped for twenty seconds and continues.',
    nodes: 4,
    faults: [
      { atMs: 5 * SECOND, kind: 'pause', nodes: [2] },
      { atMs: 25 * SECOND, kind: 'resume', nodes: [2] },
    ],
    durationMs: 40 * SECOND,
  }),
  topology({
    name: 'full-disk',
    about: 'The disk of one of four nodes is full while three hundred documents arrive; later there is room again.',
    nodes: 4,
    faults: [
      { atMs: 5 * SECOND, kind: 'disk-full', nodes: [1], isFull: true },
      { atMs: 6 * SECOND, kind: 'import', node: 0, documents: 300 },
      { atMs: 20 * SECOND, kind: 'disk-full', nodes: [1], isFull: false },
    ],
  }),
  topology({
    name: 'wrong-clocks',
    about:
      'Of four clocks one is a day ahead and one ten years behind; the first one stores documents, and is set right.',
    nodes: 4,
    faults: [
      { atMs: 4 * SECOND, kind: 'clock', nodes: [1], offsetMs: 24 * HOUR },
      { atMs: 4 * SECOND, kind: 'clock', nodes: [2], offsetMs: -10 * 365 * 24 * HOUR },
      { atMs: 8 * SECOND, kind: 'import', node: 1, documents: 100 },
      { atMs: 18 * SECOND, kind: 'clock', nodes: [1], offsetMs: 0 },
    ],
  }),
  topology({
    name: 'stolen',
    about: 'A node is stolen and shut out; it comes back later and must stay outside.',
    nodes: 4,
    faults: [
      { atMs: 6 * SECOND, kind: 'cut', from: [3], to: [0, 1, 2] },
      { atMs: 10 * SECOND, kind: 'evict', by: 0, node: 3 },
      { atMs: 20 * SECOND, kind: 'heal' },
    ],
  }),
  topology({
    name: 'hundred',
    about: 'A hundred nodes; what the mesh costs each of them.',
    nodes: 100,
    upstreams: range(0, 10),
    requestRate: 2,
    levels: ['simulated'],
  }),
  topology({
    name: 'thousand',
    about: 'A thousand nodes; what the mesh costs each of them.',
    nodes: 1_000,
    upstreams: range(0, 10),
    requestRate: 2,
    levels: ['simulated'],
  }),
];

export function topologyNamed(name: string): Topology | undefined {
  return TOPOLOGIES.find((candidate) => candidate.name === name);
}

/** As plain numbers. */
export function nodesOf(list: NodeList, { nodes }: Pick<Topology, 'nodes'>): readonly number[] {
  return list === 'all' ? range(0, nodes) : list;
}
