// Data → the text of one server-sent event.

/** A line feed inside the data, which JSON text may have between its tokens, begins a new `data:` line. */
export function sseData(data: string): string {
  return `data: ${/[\r\n]/.test(data) ? data.split(/\r\n|[\r\n]/).join('\ndata: ') : data}\n\n`;
}
