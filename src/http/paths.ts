// Base URLs are misconfigured in a few well-known ways (`/v1` doubled, forgotten, or put before a dialect's own prefix).
// What was meant is clear, so it is served.

/** First path segments that stand under /v1 in the OpenAI and Anthropic APIs; `models` in Gemini's, too. */
const ENDPOINTS: ReadonlySet<string> = new Set([
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
  'vector_stores',
  'files',
]);
/** Gemini has its own of these, under its own version. */
const VERSIONED: ReadonlySet<string> = new Set(['models', 'files']);
/** What stands before them, and the version that our routes have for it. The last one of several is the one meant. */
const PREFIXES: ReadonlyMap<string, 'v1' | 'v1beta'> = new Map([
  ['v1', 'v1'],
  ['v1beta', 'v1beta'],
  ['v1alpha', 'v1beta'],
  ['openai', 'v1'],
  ['anthropic', 'v1'],
]);
const VERSIONS: ReadonlySet<string> = new Set(['v1', 'v1beta', 'v1alpha']);
const GEMINI_METHOD = /:(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)$/;
/** Endpoints that are taken for the base URL. */
const BASES: readonly (readonly string[])[] = [
  ['chat', 'completions'],
  ['completions'],
  ['messages'],
  ['responses'],
  ['embeddings'],
  ['api', 'chat'],
  ['api', 'generate'],
  ['api'],
];
/** By far the most requests come to these, and there is nothing to tidy. */
const USUAL_PATHS: ReadonlySet<string> = new Set(['/v1/chat/completions', '/v1/messages', '/v1/responses']);

/** The path as our routes know it; the query stays as it is. */
export function canonicalPath(url: string): string {
  if (USUAL_PATHS.has(url)) return url;
  // Proxies are sent the whole address, and some clients take us for one.
  const target = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '');
  const end = target.indexOf('?');
  const path = end < 0 ? target : target.slice(0, end);
  return tidied(path) + (end < 0 ? '' : target.slice(end));
}

/** What follows when somebody has taken an endpoint for the base URL, as `/v1/chat/completions` + `/chat/completions`. */
function pathWithin(segments: readonly string[]): string | undefined {
  const base = BASES.find((endpoint) => endpoint.every((segment, index) => segments[index] === segment));
  const after = base && segments.slice(base.length);
  const [next = ''] = after ?? [];
  const isPath = base?.[0] === 'api' ? next === 'api' : ENDPOINTS.has(next) || VERSIONS.has(next);
  return after && isPath ? after.join('/') : undefined;
}

/** @param isWithin it follows another endpoint already: who writes three of them means nothing */
function tidied(path: string, isWithin = false): string {
  const segments = path.split('/').filter((segment) => segment !== '');
  let version: 'v1' | 'v1beta' = 'v1';
  let start = 0;
  for (; start < segments.length; start += 1) {
    const prefix = segments[start] ?? '';
    // `/api/chat` is Ollama's, `/api/v1/chat/completions` is not.
    const isOuter = prefix === 'api' && PREFIXES.has(segments[start + 1] ?? '');
    if (!isOuter && !PREFIXES.has(prefix)) break;
    version = PREFIXES.get(prefix) ?? version;
  }
  const rest = segments.slice(start);
  const within = isWithin ? undefined : pathWithin(rest);
  if (within) return tidied(within, true);
  const [first = ''] = rest;
  if (first !== 'models' && GEMINI_METHOD.test(path)) {
    // Vertex has its models below projects and publishers. Google's older SDK leaves `models/` out before a name that
    // holds a slash.
    const publisher = segments.indexOf('publishers');
    const isVertex = publisher >= 0 && segments[publisher + 2] === 'models';
    const start = isVertex ? publisher + 3 : segments.findIndex((segment) => !VERSIONS.has(segment));
    const name = segments.slice(start);
    return `/v1beta/models/${name.join('/')}`;
  }
  if (ENDPOINTS.has(first)) return `/${[VERSIONED.has(first) ? version : 'v1', ...rest].join('/')}`;
  // Azure's own paths stand under /openai, Ollama's under nothing.
  if (first === 'deployments') return `/${['openai', ...rest].join('/')}`;
  if (first === 'api') return `/${rest.join('/')}`;
  return `/${segments.join('/')}`;
}
