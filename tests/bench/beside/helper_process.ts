/**
 * A helper of a benchmark in a process of its own: it prints its port first and ends with its stdin.
 * @module
 */
import { fileURLToPath } from "node:url";

export interface HelperProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Sends a line and resolves with the line that comes back. */
  ask(line: string): Promise<string>;
}

/** Starts a module of this folder by its name, with its arguments and with flags for Deno. */
export async function startHelper(
  name: string,
  { args = [], flags = [] }: { args?: readonly string[]; flags?: readonly string[] } = {},
): Promise<HelperProcess> {
  const module = fileURLToPath(new URL(name, import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", ...flags, module, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const writer = child.stdin.getWriter();
  let rest = "";
  const nextLine = async () => {
    for (;;) {
      const end = rest.indexOf("\n");
      if (end >= 0) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 1);
        return line;
      }
      const { value, done } = await lines.read();
      if (done) throw new Error(`${name} has ended`);
      rest += value;
    }
  };
  const port = await nextLine();
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid,
    async ask(line) {
      await writer.write(new TextEncoder().encode(`${line}\n`));
      return await nextLine();
    },
    async [Symbol.asyncDispose]() {
      await writer.close();
      await lines.cancel();
      await child.status;
    },
  };
}
