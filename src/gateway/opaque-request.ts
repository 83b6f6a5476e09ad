// A request that flowmesh does not understand and need not: bytes, with a gap where the model's name belongs.

export interface OpaqueRequest {
  readonly model: string;
  /** Under the account's base URL. */
  readonly path: OpaquePath;
  readonly contentType: string;
  /** What stands before the model's name, and what after it. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Endpoints of OpenAI's API and its likes. */
export const OPAQUE_PATHS = [
  '/audio/speech',
  '/audio/transcriptions',
  '/audio/translations',
  '/images/generations',
  '/images/edits',
  '/images/variations',
  '/moderations',
  '/rerank',
] as const;

export type OpaquePath = (typeof OPAQUE_PATHS)[number];

export const JSON_TYPE = 'application/json';

/** The body with what the target calls the model. JSON wants it quoted, a form as it is. */
export function bodyFor({ contentType, before, after }: OpaqueRequest, model: string): Uint8Array {
  const name = contentType === JSON_TYPE ? JSON.stringify(model) : model;
  return Buffer.concat([before, Buffer.from(name), after]);
}
