// `flowmesh models`: what clients may ask for.

import { ModelDirectory } from '../gateway/model-directory.ts';
import { Router } from '../gateway/router.ts';
import { ModelCatalog } from '../providers/model-catalog.ts';
import { findNode, type NodeOptions } from './find-node.ts';
import { accountsOf, type CommandConfig } from './load-config.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { harmless, note, print, printJson, styled, table } from './terminal.ts';

export interface ModelsOptions extends NodeOptions {
  readonly json?: boolean;
}

interface ListedModel {
  readonly id: string;
  readonly ownedBy: string;
}

interface Listing {
  /** The node that told; absent when the accounts were asked. */
  readonly url?: string;
  readonly models: readonly ListedModel[];
  /** Accounts that did not tell, and why. */
  readonly failures: readonly { readonly account: string; readonly message: string }[];
}

export async function models({ json, ...options }: ModelsOptions): Promise<void> {
  const listing = await withSurroundings(async (around): Promise<Listing> => {
    const found = await findNode(options, around);
    if (found.type === 'none') return askAccounts(found.loaded, around);
    const entries = await found.client.models();
    const models = entries.map(({ id, ownedBy }) => ({ id, ownedBy: ownedBy ?? '' }));
    return { url: found.url, models, failures: [] };
  });
  if (json) {
    printJson(listing);
    return;
  }
  for (const { account, message } of listing.failures) {
    note(`${styled('yellow', '!', process.stderr)} ${account}: ${harmless(message)}`);
  }
  print(table([['MODEL', 'OWNED BY'], ...listing.models.map(({ id, ownedBy }) => [harmless(id), harmless(ownedBy)])]));
}

/** The same list that a node of this configuration would give. */
async function askAccounts(loaded: CommandConfig, { http, clock }: Surroundings): Promise<Listing> {
  const accounts = accountsOf(loaded);
  const catalog = new ModelCatalog(
    { http, clock },
    [...accounts.values()].filter((account) => !account.isBuiltin),
  );
  await catalog.refresh();
  const router = new Router(loaded.config, accounts, { accountsFor: () => [] });
  const directory = new ModelDirectory(
    () => router,
    () => catalog.all().map(({ account, model }) => ({ account, model: model.id })),
  );
  const failures = [...catalog.errors()].map(([account, error]) => ({ account, message: error.message }));
  catalog.close();
  return { models: directory.list(), failures };
}
