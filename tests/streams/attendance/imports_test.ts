/** The rooms of attendance import one way: protocols → listener → devices → storage. @module */
import assert from "node:assert/strict";
import { fileURLToPath as fromFileUrl } from "node:url";

/** Each room may import those before it. */
const ROOMS = ["storage", "devices", "listener", "protocols"];

const root = fromFileUrl(new URL("../../../src/streams/attendance/", import.meta.url));

Deno.test("The rooms of attendance import one way", async () => {
  const wrong: string[] = [];
  const visit = async (folder: string, room: number): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await visit(path, room);
      else {
        for (const [, target] of (await Deno.readTextFile(path)).matchAll(/from "(\.[^"]+)"/g)) {
          const imported = new URL(target!, `file://${path}`).pathname.slice(root.length);
          if (ROOMS.indexOf(imported.split("/")[0]!) > room) wrong.push(`${name} → ${imported}`);
        }
      }
    }
  };
  for (const [room, name] of ROOMS.entries()) await visit(`${root}${name}`, room);
  assert.deepEqual(wrong, []);
});
