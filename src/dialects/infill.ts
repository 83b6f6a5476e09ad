// Text that belongs between two others, asked of a model as a conversation: what editors want that complete code.

export const INFILL_INSTRUCTION =
  'Write the text that belongs between <prefix> and <suffix>. Answer with that text only: no tags, no fences, no comment.';

export function infillText(prefix: string, suffix: string): string {
  return `<prefix>${prefix}</prefix><suffix>${suffix}</suffix>`;
}
