// What a client may ask for by name: chains, aliases, the models its accounts are known to serve, and those of other nodes.

import type { Scopes } from '../tenancy/principal.ts';
import type { Peers } from './peers.ts';
import type { Router } from './router.ts';
import type { Target } from './target.ts';

export interface ListedModel {
  readonly id: string;
  /** Account name, or `flowmesh` for chains and aliases; for what only other nodes serve, their names. */
  readonly ownedBy: string;
  /** Other nodes that serve it too, or alone, by their names. Absent: none. */
  readonly nodes?: readonly string[];
}

export interface ServedModel {
  readonly account: string;
  readonly model: string;
}

export class ModelDirectory {
  readonly #router: () => Router;
  /** What the accounts' servers have told, or their configuration. */
  readonly #served: () => readonly ServedModel[];
  readonly #peers: () => Pick<Peers, 'models'> | undefined;
  readonly #firstLists: () => Promise<void> | undefined;

  constructor(
    router: () => Router,
    served: () => readonly ServedModel[],
    peers: () => Pick<Peers, 'models'> | undefined = () => undefined,
    firstLists: () => Promise<void> | undefined = () => undefined,
  ) {
    this.#router = router;
    this.#served = served;
    this.#peers = peers;
    this.#firstLists = firstLists;
  }

  /** The lists of accounts that were never asked; undefined when all were. Waiting for it is the caller's choice. */
  ready(): Promise<void> | undefined {
    return this.#firstLists();
  }

  /** Of this node and of others, each name once; those that a key with these scopes may ask for. */
  list(scopes: Scopes = {}): readonly ListedModel[] {
    const own = this.own();
    const served = this.#peers()?.models() ?? [];
    const elsewhere = new Map(served.map(({ model, names }) => [model, [...new Set(names)].sort()]));
    const listed = own.map((model) => {
      const nodes = elsewhere.get(model.id);
      elsewhere.delete(model.id);
      return nodes ? { ...model, nodes } : model;
    });
    const foreign = [...elsewhere].map(([id, nodes]) => ({ id, ownedBy: nodes.join(', '), nodes }));
    const all = [...listed, ...foreign.sort((a, b) => (a.id < b.id ? -1 : 1))];
    return all.filter(({ id }) => this.#router().isAllowed(id, scopes));
  }

  /** What this node can serve itself. Each name once, in the order in which the router would look. */
  own(): readonly ListedModel[] {
    const router = this.#router();
    const listed = new Map<string, ListedModel>();
    const add = (id: string, ownedBy: string): void => {
      if (!listed.has(id)) listed.set(id, { id, ownedBy });
    };
    for (const name of router.aliases) add(name, 'flowmesh');
    for (const chain of router.chains) add(chain.name, 'flowmesh');
    for (const chain of router.chains) for (const target of chain.targets) add(nameOf(target), target.account.name);
    for (const { account, model } of this.#served()) {
      const known = listed.get(model);
      if (known?.ownedBy !== account) add(known ? `${account}/${model}` : model, account);
    }
    return [...listed.values()];
  }

  /** Also as `account/model`, which the list says only where the bare name would be somebody else's. */
  find(id: string, scopes: Scopes = {}): ListedModel | undefined {
    const listed = this.list(scopes).find((model) => model.id === id);
    if (listed) return listed;
    const router = this.#router();
    const target = router.chains.flatMap(({ targets }) => targets).find((one) => one.id === id);
    const served = this.#served().find(({ account, model }) => `${account}/${model}` === id);
    const ownedBy = target?.account.name ?? served?.account;
    return ownedBy !== undefined && router.isAllowed(id, scopes) ? { id, ownedBy } : undefined;
  }
}

/** The built-in answerer goes by its full, honest name. */
function nameOf({ account, id, model }: Target): string {
  return account.isBuiltin ? id : model;
}
