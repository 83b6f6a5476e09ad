// What a client may ask for by name: chains, aliases, and the models its accounts are known to serve.

import type { Router } from './router.ts';
import type { Target } from './target.ts';

export interface ListedModel {
  readonly id: string;
  /** Account name, or `flowmesh` for chains and aliases. */
  readonly ownedBy: string;
}

export interface ServedModel {
  readonly account: string;
  readonly model: string;
}

export class ModelDirectory {
  readonly #router: () => Router;
  /** What the accounts' servers have told, or their configuration. */
  readonly #served: () => readonly ServedModel[];

  constructor(router: () => Router, served: () => readonly ServedModel[]) {
    this.#router = router;
    this.#served = served;
  }

  /** Each name once, in the order in which the router would look. */
  list(): readonly ListedModel[] {
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

  find(id: string): ListedModel | undefined {
    return this.list().find((model) => model.id === id);
  }
}

/** The built-in answerer goes by its full, honest name. */
function nameOf({ account, id, model }: Target): string {
  return account.isBuiltin ? id : model;
}
