// A keep-alive HTTP/1.1 client connection with the least possible work: the load generator shares two cores with what it
// measures. One request at a time; bodies by content-length or in chunks.

import { connect, type Socket } from 'node:net';

export interface AnswerHandler {
  onData(chunk: Buffer): void;
  onEnd(status: number): void;
  onError(error: Error): void;
}

type State = 'head' | 'fixed' | 'chunk-size' | 'chunk-data' | 'trailer';

const HEAD_END = Buffer.from('\r\n\r\n');

export class HttpConnection {
  readonly #socket: Socket;
  #handler: AnswerHandler | undefined;
  #state: State = 'head';
  #status = 0;
  /** Bytes of the body, or of its running chunk with the line end, that are still to come. */
  #left = 0;
  #pending: Buffer | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('The connection was closed')));
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new HttpConnection(socket));
      });
    });
  }

  /** Has the server kept it open? */
  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** @param pieces written one by one, each in its own packet */
  send(pieces: readonly Buffer[], handler: AnswerHandler): void {
    this.#handler = handler;
    this.#state = 'head';
    for (const piece of pieces) {
      // A socket that has closed a moment ago says so nowhere else.
      this.#socket.write(piece, (error) => {
        if (error) this.#fail(error);
      });
    }
  }

  /** Like a client that leaves in the middle. */
  close(): void {
    this.#handler = undefined;
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onError(error);
  }

  #take(arrived: Buffer): void {
    let bytes = this.#pending ? Buffer.concat([this.#pending, arrived]) : arrived;
    this.#pending = undefined;
    while (bytes.length > 0 && this.#handler) {
      const used = this.#step(bytes);
      if (used === 0) {
        this.#pending = bytes;
        return;
      }
      bytes = bytes.subarray(used);
    }
  }

  /** How many bytes were used; 0 when more are needed. */
  #step(bytes: Buffer): number {
    switch (this.#state) {
      case 'head':
        return this.#head(bytes);
      case 'fixed': {
        const part = bytes.subarray(0, this.#left);
        this.#left -= part.length;
        this.#handler?.onData(part);
        if (this.#left === 0) this.#end();
        return part.length;
      }
      case 'chunk-size': {
        const end = bytes.indexOf('\r\n');
        if (end < 0) return 0;
        const size = Number.parseInt(bytes.toString('latin1', 0, end), 16);
        this.#left = size + 2;
        this.#state = size === 0 ? 'trailer' : 'chunk-data';
        return end + 2;
      }
      case 'chunk-data': {
        const used = Math.min(bytes.length, this.#left);
        // The last two bytes are the line end, not data.
        const data = Math.min(used, Math.max(0, this.#left - 2));
        this.#left -= used;
        if (data > 0) this.#handler?.onData(bytes.subarray(0, data));
        if (this.#left === 0) this.#state = 'chunk-size';
        return used;
      }
      case 'trailer':
        if (bytes.length < 2) return 0;
        this.#end();
        return 2;
    }
  }

  #head(bytes: Buffer): number {
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) return 0;
    const head = bytes.toString('latin1', 0, end).toLowerCase();
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
    if (length === undefined) {
      this.#state = 'chunk-size';
    } else {
      this.#left = Number(length);
      this.#state = 'fixed';
      if (this.#left === 0) this.#end();
    }
    return end + HEAD_END.length;
  }

  #end(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onEnd(this.#status);
  }
}
