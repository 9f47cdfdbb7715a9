import assert from "node:assert/strict";
import { Relay } from "../../relay.ts";

const LINE = "1001\t2026-10-05 09:15:30\t0\t15\t\t0\t0\n";

/** Posts a body that says it is longer than it is, and hangs up. @returns all that was answered */
async function cutShort(relay: Relay, body: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: relay.port });
  const head = "POST /iclock/cdata?SN=DEV1&table=ATTLOG&Stamp=77 HTTP/1.1\r\nHost: agent\r\n" +
    `Content-Length: ${body.length + 500}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head + body));
  await connection.closeWrite();
  return await new Response(connection.readable).text();
}

Deno.test("A body that broke off is not acknowledged, and its stamp is not kept", async () => {
  await using relay = await Relay.start();
  assert.equal(await cutShort(relay, LINE.repeat(3)), "");
  assert.deepEqual(relay.rows("SELECT stamp FROM device_stamps"), []);
  assert.equal((await relay.iclock().post("ATTLOG", LINE, { stamp: "78" })).body, "OK: 1");
  assert.deepEqual(relay.rows("SELECT stamp FROM device_stamps").map(({ stamp }) => stamp), ["78"]);
});

Deno.test("A body of which one part could not be stored is not acknowledged", async () => {
  await using relay = await Relay.start();
  relay.break();
  const reply = await relay.iclock().post("ATTLOG", LINE.repeat(3), { stamp: "77" });
  assert.deepEqual([reply.status, reply.body], [503, "ERROR: storage"]);
  relay.mend();
  assert.equal((await relay.iclock().post("ATTLOG", LINE)).body, "OK: 1");
});
