// Who may ask without a key, and where a node may listen because of it.

import type { ServerConfig } from './config.ts';

export const ANONYMOUS_MODES = ['until-first-key', 'never', 'always'] as const;
/** until-first-key: everyone on this machine, as long as there is no key at all. never: nobody, also before that. */
export type AnonymousMode = (typeof ANONYMOUS_MODES)[number];

/**
 * Why a node must not listen like this: undefined when it may.
 * @param hasVirtualKey has it a key that could be used now?
 */
export function exposureProblem(
  { host, apiKeys, anonymous }: Pick<ServerConfig, 'host' | 'apiKeys' | 'anonymous'>,
  hasVirtualKey: boolean,
): string | undefined {
  if (isLoopback(host) || anonymous !== 'until-first-key' || apiKeys.length > 0 || hasVirtualKey) return undefined;
  return [
    `listening on ${host} without a key lets other machines spend your credit.`,
    'Make a virtual key (`flowmesh keys create --tenant NAME`), or set server.apiKeys,',
    'or set server.anonymous to never and make keys later, or listen on 127.0.0.1.',
  ].join(' ');
}

/**
 * Are clients without a key refused?
 * @param hasVirtualKey was one ever made?
 */
export function needsKey(
  { apiKeys, anonymous }: Pick<ServerConfig, 'apiKeys' | 'anonymous'>,
  hasVirtualKey: boolean,
): boolean {
  if (anonymous !== 'until-first-key') return anonymous === 'never';
  return apiKeys.length > 0 || hasVirtualKey;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
