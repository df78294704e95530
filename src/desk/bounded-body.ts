/** The body of an answer from elsewhere, read to a limit: a server decides what it sends, not how much of it is kept. */

/** The body's text, or undefined where it is longer than so many bytes; what lies beyond is not read. */
export async function boundedText(response: Response, mostBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > mostBytes) return undefined; // Leaving the loop cancels the body.
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
