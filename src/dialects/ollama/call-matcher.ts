// Which call a tool's result answers. Ollama's wire had no ids for long, and clients differ: some send both ids back, some
// (LiteLLM) the result's alone, some the tool's name, some nothing.

import type { ToolCallPart } from '../../model/chat.ts';
import { madeToolCallId } from '../tool-call-id.ts';

interface OpenCall {
  readonly call: { -readonly [Key in keyof ToolCallPart]: ToolCallPart[Key] };
  /** The client left it out. */
  readonly isIdMade: boolean;
}

export class CallMatcher {
  #madeCount = 0;
  #open: OpenCall[] = [];

  call(id: string | undefined, name: string, argumentsJson: string): ToolCallPart {
    const call: ToolCallPart = {
      type: 'tool-call',
      id: id || this.#madeId(`${name} ${argumentsJson}`),
      name,
      argumentsJson,
    };
    this.#open.push({ call, isIdMade: !id });
    return call;
  }

  /** By id, else by name, else by order. A call without id gets its result's, which may carry a signature. */
  result(id: string | undefined, name: string | undefined): { readonly id: string; readonly name: string | undefined } {
    const found =
      this.#open.find(({ call }) => call.id === id) ??
      this.#open.find(({ call, isIdMade }) => (isIdMade || id === undefined) && (name ?? call.name) === call.name);
    this.#open = this.#open.filter((open) => open !== found);
    if (found && id !== undefined) found.call.id = id;
    return { id: id ?? found?.call.id ?? this.#madeId(name ?? ''), name: name ?? found?.call.name };
  }

  #madeId(seed: string): string {
    this.#madeCount += 1;
    return madeToolCallId(this.#madeCount - 1, seed);
  }
}
