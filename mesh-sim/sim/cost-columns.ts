// What is measured of a mesh at rest, for each of its nodes.

export interface Cost {
  readonly nodes: number;
  /** Virtual seconds from the start of all nodes at once, as after a power cut, until each sees each other one alive. */
  readonly meetingSeconds: number;
  readonly connections: number;
  /** Others that a node believes to be alive. */
  readonly seenAlive: number;
  /** A second, like everything that follows but the memory. Heartbeats that came, requests and their answers. */
  readonly messages: number;
  /** Of these messages. */
  readonly bytes: number;
  /** Beacons of nodes on the same wire: the network brings them to everybody, however large the mesh is. */
  readonly beacons: number;
  /** Of the machine that it was measured on. */
  readonly cpuMicroseconds: number;
  /** Of the process that held all nodes, in the end. */
  readonly memoryKilobytes: number;
}

export interface Column {
  readonly name: Exclude<keyof Cost, 'nodes'>;
  readonly title: string;
  readonly digits: number;
  /** It stands in the picture. */
  readonly isDrawn?: boolean;
}

export const COLUMNS: readonly Column[] = [
  { name: 'meetingSeconds', title: 'all seen after s', digits: 0 },
  { name: 'connections', title: 'connections', digits: 1 },
  { name: 'seenAlive', title: 'seen alive', digits: 1 },
  { name: 'messages', title: 'messages/s', digits: 2, isDrawn: true },
  { name: 'bytes', title: 'bytes/s', digits: 0, isDrawn: true },
  { name: 'beacons', title: 'beacons/s', digits: 1 },
  { name: 'cpuMicroseconds', title: 'CPU µs/s', digits: 0, isDrawn: true },
  { name: 'memoryKilobytes', title: 'memory KB', digits: 0, isDrawn: true },
];
