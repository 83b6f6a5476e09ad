// What a model can do, as far as routing and the table of prices tell it.

export const CAPABILITIES = [
  'tools',
  'images',
  'audio',
  'documents',
  'json-schema',
  'reasoning',
  'embeddings',
] as const;

export type Capability = (typeof CAPABILITIES)[number];
