// Base URLs are misconfigured in a few well-known ways (`/v1` doubled, forgotten, or put before a dialect's own prefix).
// What was meant is clear, so it is served.

/** First path segments that stand under /v1 in the OpenAI and Anthropic APIs. */
const UNPREFIXED = new Set([
  'chat',
  'completions',
  'responses',
  'messages',
  'embeddings',
  'models',
  'audio',
  'images',
  'moderations',
  'rerank',
]);

/** The path as our routes know it; the query stays as it is. */
export function canonicalPath(url: string): string {
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  const canonical = tidied(path);
  return canonical === path ? url : canonical + (end < 0 ? '' : url.slice(end));
}

function tidied(path: string): string {
  if (path === '/v1/chat/completions' || path === '/v1/messages' || path === '/v1/responses') return path;
  let segments = path.split('/').filter((segment) => segment !== '');
  // `…/v1/v1/messages`, `…/v1/v1beta/models`, `…/openai/v1/chat/completions`: the last version prefix is the one meant.
  const versions = segments.findLastIndex((segment) => segment === 'v1' || segment === 'v1beta');
  if (versions > 0 && segments.slice(0, versions).every(isPrefix)) segments = segments.slice(versions);
  if (UNPREFIXED.has(segments[0] ?? '')) segments.unshift('v1');
  return `/${segments.join('/')}`;
}

function isPrefix(segment: string): boolean {
  return (
    segment === 'v1' || segment === 'v1beta' || segment === 'openai' || segment === 'anthropic' || segment === 'api'
  );
}
