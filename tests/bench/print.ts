/** A line on stdout or stderr: what these programs are for. @module */
export function print(
  line: string,
  to: typeof Deno.stdout | typeof Deno.stderr = Deno.stdout,
): void {
  to.writeSync(new TextEncoder().encode(`${line}\n`));
}
