// A Node.js Duplex over a libp2p stream, so that Node's HTTP server and undici can run on it. Backpressure is real in both
// directions: a reader that stops closes the stream's window, and a full window stops the writer.
// Used here of a stream: `message` events with pause/resume, and `send` with one-shot `drain` listeners. Its async iterator
// has no backpressure and hangs when the remote closed early; its `onDrain()` resolves at once after the first drain.

import { Duplex } from 'node:stream';
import type { Stream, StreamMessageEvent } from '@libp2p/interface';
import type { PeerId } from '../../ports.ts';
import { LIMITS } from './limits.ts';

type Received = StreamMessageEvent['data'];

export class StreamSocket extends Duplex {
  /** Proven by the connection. */
  readonly peer: PeerId;
  readonly #stream: Stream;
  #isResuming = false;
  #wantsMore = true;
  #hasEnded = false;

  constructor(stream: Stream, peer: PeerId) {
    super({ highWaterMark: LIMITS.socketBufferBytes, allowHalfOpen: true });
    this.#stream = stream;
    this.peer = peer;
    stream.addEventListener('message', (event) => this.#onMessage(event.data));
    stream.addEventListener('end', () => this.#onEnd());
    stream.addEventListener('close', (event) => this.#onClose(event.error));
    // Both may have happened between the handshake of the stream and now; what waits in it is handed out first.
    queueMicrotask(() => {
      if (stream.readableEnded) this.#onEnd();
      if (stream.status === 'aborted' || stream.status === 'reset') this.#onClose(new Error('The stream was reset'));
      else if (stream.status === 'closed') this.#onClose(undefined);
    });
  }

  override _read(): void {
    if (this.#stream.readStatus !== 'paused' || this.#isResuming) return;
    // resume() hands out what waited and then opens the window, also when pause() was called meanwhile: so pause after it.
    this.#isResuming = true;
    this.#wantsMore = true;
    try {
      this.#stream.resume();
    } catch (error) {
      // Of a connection that is gone everything was handed out, and only its window could not be opened.
      if (this.#stream.status === 'open') this.destroy(asError(error));
    }
    this.#isResuming = false;
    if (!this.#wantsMore) this.#pause();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    // One frame, one encryption, one system call.
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#stream.close().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // After a clean end in both directions this does nothing; else the other side learns of it at once.
    if (this.#stream.status === 'open' || this.#stream.status === 'closing') {
      this.#stream.abort(error ?? new Error('The stream was left'));
    }
    done(error);
  }

  #onMessage(data: Received): void {
    for (const chunk of piecesOf(data)) this.#wantsMore = this.push(chunk);
    if (!this.#wantsMore && !this.#isResuming) this.#pause();
  }

  #pause(): void {
    if (this.#stream.readStatus === 'readable') this.#stream.pause();
  }

  #onEnd(): void {
    if (this.#hasEnded || this.#stream.status === 'aborted' || this.#stream.status === 'reset') return;
    this.#hasEnded = true;
    this.push(null);
  }

  #onClose(error: Error | undefined): void {
    if (error) {
      this.destroy(error);
      return;
    }
    // The connection is gone or both sides are done. What has arrived may still be read.
    this._read();
    this.#onEnd();
    if (this.readableEnded) this.destroy();
    else this.once('end', () => this.destroy());
  }

  #send(bytes: Buffer, done: (error?: Error | null) => void): void {
    let canSendMore: boolean;
    try {
      canSendMore = this.#stream.send(bytes);
    } catch (error) {
      done(asError(error));
      return;
    }
    if (canSendMore) done();
    else this.#onceWritable(done);
  }

  #onceWritable(done: (error?: Error | null) => void): void {
    const settle = (error?: Error): void => {
      this.#stream.removeEventListener('drain', onDrain);
      this.#stream.removeEventListener('close', onClose);
      done(error);
    };
    const onDrain = (): void => settle();
    const onClose = (): void => settle(new Error('The stream closed before everything was sent'));
    this.#stream.addEventListener('drain', onDrain);
    this.#stream.addEventListener('close', onClose);
  }
}

function* piecesOf(data: Received): Generator<Buffer> {
  if (data instanceof Uint8Array) yield asBuffer(data);
  else for (const piece of data) yield asBuffer(piece);
}

/** Small pieces are copied: a view would keep the whole frame of the connection alive, shared with other streams. */
function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes.byteLength * 2 < bytes.buffer.byteLength) return Buffer.from(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
