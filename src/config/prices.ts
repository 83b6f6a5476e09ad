// The `prices` of a configuration: whose they are, of which models, and that their rates say something together.

import type { AccountBook } from './accounts.ts';
import type { PriceConfig } from './config.ts';
import type { ConfigPath } from './config-path.ts';
import type { Findings } from './findings.ts';
import { suggestion } from './nearest.ts';
import type { FilePrice } from './schema.ts';

/** Entries of accounts that are skipped are left out with them. */
export function resolvePrices(
  prices: readonly FilePrice[],
  book: AccountBook,
  findings: Findings,
): readonly PriceConfig[] {
  return prices.filter((price, index) => {
    const path = ['prices', index];
    checkPattern(price, path, findings);
    checkRates(price, path, findings);
    checkOwner(price, path, book, findings);
    return price.account === undefined || book.isUsable(price.account);
  });
}

/** A star elsewhere than at the end would match nothing, and look as if it did. */
function checkPattern({ model }: FilePrice, path: ConfigPath, findings: Findings): void {
  if (!model.slice(0, -1).includes('*')) return;
  findings.problem([...path, 'model'], "write a whole name, or a beginning followed by '*'.");
}

function checkRates({ input, output, cacheRead, cacheWrite }: FilePrice, path: ConfigPath, findings: Findings): void {
  const hasCacheRate = cacheRead !== undefined || cacheWrite !== undefined;
  const hasBoth = input !== undefined && output !== undefined;
  const hasNeither = input === undefined && output === undefined;
  if (!hasBoth && !(hasNeither && !hasCacheRate)) {
    findings.problem(path, "a price needs both 'input' and 'output'.");
  }
}

function checkOwner({ provider, account }: FilePrice, path: ConfigPath, book: AccountBook, findings: Findings): void {
  if (provider !== undefined && account !== undefined) {
    findings.problem(path, "give 'provider' or 'account', not both.");
  } else if (provider !== undefined && !book.isProvider(provider)) {
    findings.problem([...path, 'provider'], `unknown provider '${provider}'.${suggestion(provider, book.providers)}`);
  } else if (account !== undefined && !book.isKnown(account)) {
    const hint = suggestion(account, book.names);
    findings.problem([...path, 'account'], `there is no account '${account}'.${hint}`);
  }
}
