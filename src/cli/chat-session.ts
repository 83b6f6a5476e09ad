// One question, or a conversation of many: what was said, what is shown, and Ctrl-C that ends an answer.

import { createInterface } from 'node:readline/promises';
import type { Message, Usage } from '../model/chat.ts';
import { isContent, type StreamEvent } from '../model/stream.ts';
import type { Clock } from '../ports.ts';
import { CommandError, EXIT } from './command-error.ts';
import type { NodeClient } from './node-client.ts';
import { harmless, note, styled } from './terminal.ts';

export interface ChatSessionOptions {
  readonly client: NodeClient;
  readonly clock: Clock;
  readonly model: string;
  readonly system: string | undefined;
  /** On standard error. */
  readonly isReasoningShown: boolean;
}

/** What one answer brought. */
interface Facts {
  target: string | undefined;
  ttftMs: number | undefined;
  text: string;
  usage: Usage | undefined;
  finish: string | undefined;
}

export class ChatSession {
  readonly #options: ChatSessionOptions;
  readonly #messages: Message[] = [];
  /** The answer that is being shown. */
  #running: AbortController | undefined;

  constructor(options: ChatSessionOptions) {
    this.#options = options;
    if (options.system !== undefined) this.#messages.push(said('system', options.system));
  }

  /** @throws CommandError, with the exit code of an interruption after Ctrl-C */
  async askOnce(question: string): Promise<void> {
    const interrupt = (): void => this.#running?.abort();
    process.on('SIGINT', interrupt);
    // Nobody reads on: the tokens that would still come are not worth their price.
    process.stdout.once('error', interrupt);
    try {
      if (!(await this.#answer(question))) throw new CommandError('', EXIT.interrupted);
    } finally {
      process.off('SIGINT', interrupt);
    }
  }

  /**
   * Asks until `/exit` or the end of the input. A failed question is told and the conversation goes on.
   * @param material text that precedes the first question
   */
  async converse(material: string): Promise<void> {
    const output = process.stderr.isTTY ? process.stderr : process.stdout;
    const lines = createInterface({ input: process.stdin, output, prompt: '> ', terminal: true });
    lines.on('SIGINT', () => {
      if (this.#running) this.#running.abort();
      else lines.close();
    });
    note(styled('dim', '/exit or Ctrl-D ends the conversation, Ctrl-C an answer.', process.stderr));
    let pending = material;
    lines.prompt();
    for await (const line of lines) {
      const question = line.trim();
      if (question === '/exit') break;
      if (question !== '') {
        await this.#answerOrTell(pending === '' ? question : `${pending}\n\n${question}`);
        pending = '';
      }
      lines.prompt();
    }
    lines.close();
    note('');
  }

  async #answerOrTell(question: string): Promise<void> {
    try {
      await this.#answer(question);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      note(harmless(error.message));
    }
  }

  /** Shows the answer and remembers it; false when it was interrupted. */
  async #answer(question: string): Promise<boolean> {
    const running = new AbortController();
    const asked = said('user', question);
    this.#running = running;
    try {
      const facts = await this.#show([...this.#messages, asked], running.signal);
      this.#messages.push(asked, said('assistant', facts.text));
      note(styled('dim', summary(facts), process.stderr));
      return true;
    } catch (error) {
      if (!running.signal.aborted) throw error;
      note(styled('dim', '(interrupted)', process.stderr));
      return false;
    } finally {
      this.#running = undefined;
    }
  }

  async #show(messages: readonly Message[], signal: AbortSignal): Promise<Facts> {
    const { client, clock, model, isReasoningShown } = this.#options;
    const startedAt = clock.elapsed();
    const answer = await client.ask({ model, messages }, signal);
    const facts: Facts = { target: answer.target, ttftMs: undefined, text: '', usage: undefined, finish: undefined };
    const screen = new Screen(isReasoningShown);
    try {
      for await (const event of answer.events) {
        if (isContent(event)) facts.ttftMs ??= clock.elapsed() - startedAt;
        if (event.type === 'text-delta' || event.type === 'refusal-delta') facts.text += event.text;
        if (event.type === 'usage') facts.usage = event.usage;
        if (event.type === 'finish') facts.finish = event.finishReason.unified;
        screen.show(event);
      }
    } finally {
      screen.end();
    }
    return facts;
  }
}

/** The answer on standard output, its reasoning on standard error, each ending with a line break. */
class Screen {
  readonly #isReasoningShown: boolean;
  #open: { readonly stream: NodeJS.WriteStream; lastText: string } | undefined;

  constructor(isReasoningShown: boolean) {
    this.#isReasoningShown = isReasoningShown;
  }

  show(event: StreamEvent): void {
    if (event.type === 'text-delta' || event.type === 'refusal-delta') this.#write(process.stdout, event.text);
    // No terminal shows pictures: what came instead of text must not look like silence.
    if (event.type === 'media-add')
      this.#write(process.stdout, `[a picture, ${event.media.mimeType ?? 'by address'}]\n`);
    if (event.type === 'reasoning-delta' && this.#isReasoningShown) this.#write(process.stderr, event.text);
  }

  end(): void {
    if (this.#open && !this.#open.lastText.endsWith('\n')) this.#open.stream.write('\n');
    this.#open = undefined;
  }

  #write(stream: NodeJS.WriteStream, text: string): void {
    if (text === '') return;
    if (this.#open?.stream !== stream) {
      this.end();
      this.#open = { stream, lastText: text };
    }
    this.#open.lastText = text;
    // Bytes for a file or a program stay as they are.
    const shown = stream.isTTY ? harmless(text) : text;
    stream.write(stream === process.stderr ? styled('dim', shown, stream) : shown);
  }
}

function said(role: Message['role'], text: string): Message {
  return { role, parts: [{ type: 'text', text }] };
}

const FINISHES: Readonly<Record<string, string>> = {
  length: 'cut at the length limit',
  'content-filter': 'stopped by a content filter',
  'tool-calls': 'the model wants to call a tool',
};

function summary({ target, ttftMs, usage, finish }: Facts): string {
  const parts = [
    target === undefined ? undefined : harmless(decodeURI(target)),
    ttftMs === undefined ? undefined : `first token after ${Math.round(ttftMs)} ms`,
    usage && `${usage.inputTokens} tokens in, ${usage.outputTokens} out${usage.isEstimated ? ' (estimated)' : ''}`,
    finish === undefined ? undefined : FINISHES[finish],
  ];
  return `[${parts.filter((part) => part !== undefined).join(' · ')}]`;
}
