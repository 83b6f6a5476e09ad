// Yamux of js-libp2p answers each frame of data with one that opens the window again, however little was used of it: a
// heartbeat, or a piece of an answer, then costs two frames, two encryptions and two packets. Here the window is opened
// when half of it is used, as Go's and Rust's implementations do; nothing else changes for the other side.

import { StreamState, YamuxStream } from '@libp2p/yamux/stream';

/** What the package's own types keep to themselves; test/mesh/libp2p/quiet-windows.test.ts notices when it changes. */
interface Window {
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
}

/** A stream that is opened or accepted says so with its first update; in these states there is nothing else to say. */
const SILENT: ReadonlySet<StreamState> = new Set([StreamState.SYNSent, StreamState.Established]);

let isQuiet = false;

/** Once for the process: the package lets no other class of streams be given. */
export function quietWindows(): void {
  if (isQuiet) return;
  isQuiet = true;
  const sendWindowUpdate = YamuxStream.prototype.sendWindowUpdate;
  YamuxStream.prototype.sendWindowUpdate = function (this: YamuxStream): void {
    const { recvWindow, recvWindowCapacity } = this as unknown as Window;
    if (SILENT.has(this.state) && recvWindowCapacity * 2 > recvWindow) return;
    sendWindowUpdate.call(this);
  };
}
