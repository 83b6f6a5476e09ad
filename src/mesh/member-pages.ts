// The list of all members and evictions in parts, as members tell it each other: thousands of both are more than fits into
// one answer.

import { asNumber, type JsonObject } from '../model/json.ts';
import type { PeerId } from '../ports.ts';
import { renderCredential } from './certificate.ts';
import { type Membership, STATEMENTS_MAX } from './membership.ts';
import { renderRemoval } from './removal.ts';

/** A page ends with the statement that reaches this: far from what a peer accepts, and little to check in one turn. */
export const PAGE_BYTES = 512 * 1024;

type AddressesOf = (peer: PeerId) => readonly string[];

/** All in one answer, as those ask for it who know no pages. */
export function wholeList(membership: Membership, addressesOf: AddressesOf): JsonObject {
  return pageOf(membership, addressesOf, 0, Number.POSITIVE_INFINITY);
}

/**
 * Evictions come first: what they end is not even begun. Those that come while somebody turns the pages move the members
 * behind them back, so that some are told twice, and none is left out.
 * @param first how many statements the asker has been told already
 */
export function listPage(membership: Membership, addressesOf: AddressesOf, first: number): JsonObject {
  return pageOf(membership, addressesOf, Math.max(0, Math.trunc(first)), PAGE_BYTES);
}

/** Where the page after this one begins; undefined after the last one, and after all that a peer tells who knows no pages. */
export function nextPage(page: JsonObject, first: number): number | undefined {
  const next = asNumber(page.next);
  return next !== undefined && Number.isSafeInteger(next) && next > first && next < STATEMENTS_MAX ? next : undefined;
}

function pageOf(membership: Membership, addressesOf: AddressesOf, first: number, bytesMax: number): JsonObject {
  const lists: { readonly removals: JsonObject[]; readonly members: JsonObject[] } = { removals: [], members: [] };
  let next = first;
  let bytes = 0;
  for (const [list, statement] of statementsFrom(membership, addressesOf, first)) {
    if (bytes >= bytesMax) return { ...lists, next };
    lists[list].push(statement);
    next += 1;
    bytes += JSON.stringify(statement).length;
  }
  return lists;
}

function* statementsFrom(
  membership: Membership,
  addressesOf: AddressesOf,
  first: number,
): Generator<['removals' | 'members', JsonObject]> {
  const removals = membership.removals();
  for (const removal of removals.slice(first)) yield ['removals', renderRemoval(removal)];
  for (const credential of membership.credentials().slice(Math.max(0, first - removals.length))) {
    const addresses = [...addressesOf(credential.certificate.peer)];
    yield ['members', { credential: renderCredential(credential), addresses }];
  }
}
