// Files that a client uploads: the body itself, or the parts of a form as browsers and `curl -F` send it.

import type { FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { asObject, type JsonObject, parseObject } from '../model/json.ts';

export interface UploadedPart {
  /** As the client calls the file. */
  readonly name: string;
  readonly mimeType: string | undefined;
  readonly bytes: Uint8Array;
}

export interface Upload {
  readonly files: readonly UploadedPart[];
  /** The other fields of a form. */
  readonly fields: Readonly<Record<string, string>>;
}

/** @throws GatewayError `bad_request` */
export async function readUpload(request: FastifyRequest): Promise<Upload> {
  const { body, headers } = request;
  if (!Buffer.isBuffer(body) || body.length === 0) throw new GatewayError('bad_request', 'The request has no body.');
  const mimeType = headers['content-type'];
  if (mimeType && /^multipart\/form-data\b/i.test(mimeType)) return readForm(body, mimeType);
  const name = decoded(headers['x-filename']);
  if (name === undefined) {
    throw new GatewayError('bad_request', 'Name the file in the header `x-filename`, or send a multipart form.');
  }
  // What curl and browsers say when they do not know.
  const isUnknown = !mimeType || /^application\/(octet-stream|x-www-form-urlencoded)\b/i.test(mimeType);
  return { files: [{ name, mimeType: isUnknown ? undefined : mimeType, bytes: body }], fields: {} };
}

/** Attributes in a form's field: a JSON object, or undefined when none is given. */
export function readAttributes(written: string | undefined): JsonObject | undefined {
  if (written === undefined) return undefined;
  const attributes = asObject(parseObject(written));
  if (attributes) return attributes;
  throw new GatewayError('bad_request', 'attributes must be a JSON object.', { param: 'attributes' });
}

async function readForm(body: Buffer, contentType: string): Promise<Upload> {
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } })
    .formData()
    .catch((error: unknown) => {
      throw new GatewayError('bad_request', 'The multipart form is damaged.', { cause: error });
    });
  const files: UploadedPart[] = [];
  const fields: Record<string, string> = {};
  for (const [key, value] of form) {
    if (typeof value === 'string') fields[key] = value;
    else {
      files.push({
        name: value.name,
        mimeType: value.type || undefined,
        bytes: new Uint8Array(await value.arrayBuffer()),
      });
    }
  }
  if (files.length === 0) throw new GatewayError('bad_request', 'The form has no file.', { param: 'file' });
  return { files, fields };
}

/** Headers hold Latin-1 only, so names may be percent-encoded. */
function decoded(header: string | readonly string[] | undefined): string | undefined {
  if (typeof header !== 'string' || header.trim() === '') return undefined;
  try {
    return decodeURIComponent(header);
  } catch {
    return header;
  }
}
