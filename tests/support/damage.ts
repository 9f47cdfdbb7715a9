/**
 * Breaking files on purpose.
 * @module
 */

/** Writes bytes over a file's own. */
export function overwrite(path: string, at: number, bytes: Uint8Array<ArrayBuffer>): void {
  using file = Deno.openSync(path, { write: true });
  file.seekSync(at, Deno.SeekMode.Start);
  file.writeSync(bytes);
}
