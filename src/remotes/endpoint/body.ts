/**
 * Bodies on the way out and in: compressed where that is wanted, and never read further than is good for us.
 * @module
 */

/** The text, gzipped. */
export async function gzipped(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A body as text: all of it, or its beginning when it is longer than `limit` bytes; the rest is not fetched. */
export async function readText(
  response: Response,
  limit: number,
): Promise<{ text: string; whole: boolean }> {
  const reader = response.body?.getReader();
  if (!reader) return { text: "", whole: true };
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), whole: true };
    bytes += value.byteLength;
    if (bytes > limit) {
      text += decoder.decode(value.subarray(0, value.byteLength - (bytes - limit)));
      await reader.cancel().catch(() => {});
      return { text, whole: false };
    }
    text += decoder.decode(value, { stream: true });
  }
}
