// What clients and operators do to the machines of a simulated world: they ask, make and revoke keys, limit tenants, write
// and delete documents. What they were told is written down, for the checkers.

import { createHash } from 'node:crypto';
import { GatewayError } from '../../src/errors.ts';
import type { AskHistory, KeyHistory, WriteHistory } from './history.ts';
import { type Machine, MODEL } from './machine.ts';
import { documentsOn, hasRevocation, knowsKey } from './replicas.ts';
import type { Operation } from './schedule.ts';
import type { World } from './world.ts';

type Of<Kind extends Operation['kind']> = Extract<Operation, { kind: Kind }>;

/** Whose documents are written. */
const TENANT = 'acme';
const COLLECTION = 'handbook';

export class Clients {
  readonly asks: AskHistory[] = [];
  readonly writes: WriteHistory[] = [];
  /** By the schedule's number. */
  readonly keys = new Map<number, KeyHistory>();
  readonly #world: World;
  /** Of requests that have not ended. */
  readonly #waiting = new Set<AbortController>();

  constructor(world: World) {
    this.#world = world;
  }

  ask(machine: Machine, { tenant, isStream, key, question, leaveAfterMs }: Of<'ask'>): void {
    const { clock } = this.#world;
    const number = this.asks.length;
    const known = key === undefined ? undefined : this.keys.get(key);
    const isKeyOfEntry = known !== undefined && knowsKey(machine, known.id);
    const prompt = question === undefined ? `${tenant}/${number}` : `${tenant}/question ${question}`;
    const record: AskHistory = {
      number,
      id: `ask-${number}`,
      machine: machine.options.index,
      prompt,
      isQuestion: question !== undefined,
      tenant,
      isStream,
      key: known?.id,
      at: clock.elapsed(),
      isKeyOfEntry,
      limit: isKeyOfEntry ? machine.life?.node.keys.tenant(tenant)?.limits.requestsPerMinute : undefined,
      isRevoked: known !== undefined && hasRevocation(machine, known.id),
      end: 'open',
      endedAt: clock.elapsed(),
      text: '',
      hasTerminal: false,
      errorCode: undefined,
      errorMessage: '',
    };
    this.asks.push(record);
    const client = new AbortController();
    if (leaveAfterMs !== undefined) clock.after(leaveAfterMs, () => client.abort(new Error('the client left')));
    if (machine.state === 'paused') {
      // Its client meets silence, which is not what is examined here.
      record.end = 'lost';
      return;
    }
    const request = {
      model: MODEL,
      isStream,
      messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: prompt }] }],
      tools: [],
      // Only who wants the same answer each time may be given a kept one.
      sampling: question === undefined ? {} : { temperature: 0 },
    };
    const work = machine.ask(request, record, known?.secret, client.signal);
    this.#waiting.add(client);
    void work.then(() => {
      this.#waiting.delete(client);
      this.#world.observer.log(
        machine.name,
        `${record.id} ${record.end} ${record.errorCode ?? ''} ${record.errorMessage}`,
      );
    });
  }

  createKey({ life, options }: Machine, { key, tenant }: Of<'create-key'>): void {
    if (!life) return;
    const made = permitted(() => life.node.keys.createKey({ tenant, name: `key-${key}` }));
    if (!made) return;
    life.node.forgetKeys();
    this.keys.set(key, { secret: made.secret, id: made.key.id, machine: options.index, revocations: [] });
  }

  /** Wherever the key is known by now. */
  revokeKey({ life, options }: Machine, key: number): void {
    const known = this.keys.get(key);
    if (!life || !known || !life.node.keys.key(known.id)) return;
    if (!permitted(() => life.node.keys.revokeKey(known.id) ?? true)) return;
    life.node.forgetKeys();
    known.revocations.push({ at: this.#world.clock.elapsed(), machine: options.index });
  }

  limitTenant({ life }: Machine, { tenant, requests }: Of<'limit-tenant'>): void {
    permitted(() => life?.node.keys.putTenant(tenant, { limits: { requestsPerMinute: requests } }));
    life?.node.forgetKeys();
  }

  /** `text` undefined: the document is deleted. */
  write(machine: Machine, document: string, text: string | undefined): void {
    const { life } = machine;
    if (!life || machine.state === 'paused') return;
    const record: WriteHistory = {
      machine: machine.options.index,
      document,
      version: text === undefined ? undefined : hashOf(text),
      over: documentsOn(machine).get(document),
      at: this.#world.clock.elapsed(),
      isAcknowledged: false,
    };
    this.writes.push(record);
    const ref = { tenant: TENANT, collection: COLLECTION };
    const { knowledge } = life.node;
    const work =
      text === undefined
        ? knowledge.remove(ref, { sources: [document] })
        : knowledge.store({
            ...ref,
            source: document,
            title: document,
            mimeType: 'text/plain',
            contentHash: hashOf(text),
            attributes: {},
            passages: [{ text, headings: [], start: 0, end: text.length }],
          });
    work.then(
      () => {
        record.isAcknowledged = machine.life === life;
      },
      (error: unknown) => this.#world.observer.log(machine.name, `refuses to write ${document}: ${String(error)}`),
    );
  }

  import(machine: Machine, documents: number): void {
    for (let number = 0; number < documents; number += 1) {
      this.write(machine, `imported-${number}`, `The text of the imported document ${number}.`);
    }
  }

  /** Nobody waits any longer, also for those who will never answer. */
  leave(): void {
    for (const client of this.#waiting) client.abort(new Error('the world is over'));
  }

  /** Of a process that died. */
  lose(machine: number): void {
    for (const ask of this.asks) {
      if (ask.machine !== machine || ask.end !== 'open') continue;
      ask.end = 'lost';
      ask.endedAt = this.#world.clock.elapsed();
    }
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A node that was shut out of its mesh may not change what the mesh shares, a full disk takes nothing; undefined then. */
function permitted<Result>(change: () => Result): Result | undefined {
  try {
    return change();
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'forbidden') return undefined;
    if ((error as { code?: unknown }).code === 'SQLITE_FULL') return undefined;
    throw error;
  }
}
