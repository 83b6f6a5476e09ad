// What a request calls its body. Routes read bodies by what stands in them, so a name that is none (proxies double the
// header, scripts leave it empty) is no reason to refuse one; the framework would.

import type { IncomingHttpHeaders } from 'node:http';

const USUAL = 'application/json';
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/;

export function mendMediaType(headers: IncomingHttpHeaders): void {
  const type = headers['content-type'];
  if (type === undefined || type === USUAL || MEDIA_TYPE.test(type)) return;
  headers['content-type'] = USUAL;
}
