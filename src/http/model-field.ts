// Where the `model` field of a form stands, without parsing its files. Read strictly: what the key may use is judged by
// this field, so an upstream must not find another one in the same bytes.

import { GatewayError } from '../errors.ts';

/** Of the field's value in the body. */
export interface ModelField {
  readonly start: number;
  readonly end: number;
}

const HEAD_END = '\r\n\r\n';
/** Longer heads nobody writes. */
const HEAD_LENGTH_MAX = 8_192;
/** The last delimiter's dashes, and an empty line or two. */
const END_LENGTH_MAX = 16;
/** `name="model"` and `name=model`, and neither `filename` nor what only looks like it. */
const NAME = /(?<![\w*-])name\*?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/gi;

/** @throws GatewayError `bad_request` */
export function modelFieldOf(body: Buffer, contentType: string): ModelField {
  const field = findModelField(body, contentType);
  if (!field) throw new GatewayError('bad_request', "The form has no field 'model'.", { param: 'model' });
  return field;
}

/** The form with a field for a model that the path names (Azure); the same form where it has one. */
export function withModelField(body: Buffer, contentType: string): Buffer {
  if (findModelField(body, contentType)) return body;
  const head = `${delimiterOf(contentType)}\r\nContent-Disposition: form-data; name="model"${HEAD_END}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function delimiterOf(contentType: string): string {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? [];
  return `--${quoted ?? plain ?? ''}`;
}

function findModelField(body: Buffer, contentType: string): ModelField | undefined {
  const delimiter = delimiterOf(contentType);
  if (delimiter === '--' || !body.subarray(0, delimiter.length).equals(Buffer.from(delimiter))) throw damaged();
  let field: ModelField | undefined;
  for (let at = delimiter.length; !isEnd(body, at); ) {
    const end = body.indexOf(`\r\n${delimiter}`, at);
    const headEnd = body.indexOf(HEAD_END, at);
    const start = headEnd + HEAD_END.length;
    if (headEnd < 0 || end < start || headEnd - at > HEAD_LENGTH_MAX) throw damaged();
    if (nameOf(body.toString('utf8', at, headEnd)) === 'model') {
      if (field) throw new GatewayError('bad_request', "The form has the field 'model' twice.", { param: 'model' });
      field = { start, end };
    }
    at = end + 2 + delimiter.length;
  }
  return field;
}

/** The last delimiter, and nothing behind it. */
function isEnd(body: Buffer, at: number): boolean {
  const rest = body.toString('latin1', at, at + END_LENGTH_MAX + 1);
  return rest.length <= END_LENGTH_MAX && /^--\s*$/.test(rest);
}

function nameOf(head: string): string {
  const [before, ...lines] = head.split('\r\n');
  const [line = '', ...more] = lines.filter((one) => /^content-disposition\s*:/i.test(one));
  const [name, ...others] = [...line.matchAll(NAME)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  if (before !== '' || name === undefined || more.length > 0 || others.length > 0) throw damaged();
  return name.toLowerCase();
}

function damaged(): GatewayError {
  return new GatewayError('bad_request', 'The multipart form is damaged.');
}
