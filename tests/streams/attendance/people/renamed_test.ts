import assert from "node:assert/strict";
import { tempDir } from "../../../support/temp.ts";
import { until } from "../../../support/until.ts";
import { Relay } from "../relay.ts";

const AT = "2026-10-05T03:50:00.000Z";

/** Some years of punches of one person, all of them in the cloud. */
async function punched(relay: Relay, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, n) => {
    const day = new Date(Date.UTC(2022, 0, 1 + n)).toISOString().slice(0, 10);
    return `7\t${day} 09:00:00`;
  });
  await relay.iclock().post("ATTLOG", lines.join("\n"));
  await sendAll(relay);
}

async function sendAll({ store, stream: { outbox } }: Relay): Promise<void> {
  while (outbox!.depth().rows > 0) {
    const { rows } = outbox!.pending(500);
    await store.write(() => outbox!.settle(rows.map(({ id }) => id), AT));
  }
}

const rename = (relay: Relay, name: string) =>
  relay.api("PUT", "/people/{id}", { params: { id: "7" }, body: { name } });

/** The names that wait to be sent with punches. */
function waiting({ stream }: Relay): string[] {
  return stream.outbox!.pending(5_000, { skip: new Set(["people"]) })
    .rows.map(({ person_name }) => String(person_name));
}

Deno.test("All punches of a renamed person are sent again, however old they are", async () => {
  await using relay = await Relay.start({ deps: { cloud: true, twoWay: true } });
  await punched(relay, 350);
  await rename(relay, "Ann");
  await until(() => waiting(relay).length === 350, "all wait");
  assert.deepEqual(new Set(waiting(relay)), new Set(["Ann"]));
  // The punches and the person.
  assert.equal(relay.stream.outbox!.depth().rows, 351);
  await until(() => relay.count("people WHERE resend > 0") === 0, "nobody is due any more");
});

Deno.test("Punches of a person who was renamed before a restart are sent again after it", async () => {
  using dir = tempDir();
  const options = { path: `${dir.path}/a.db`, deps: { cloud: true, twoWay: true } };
  {
    await using relay = await Relay.start(options);
    await punched(relay, 350);
    const stopped = relay.stop();
    await rename(relay, "Ann");
    await stopped;
  }
  {
    await using relay = await Relay.start(options);
    await until(() => waiting(relay).length === 350, "all wait");
  }
});

Deno.test("Who is renamed while punches are being sent again is due again", async () => {
  await using relay = await Relay.start({ deps: { cloud: true, twoWay: true } });
  await punched(relay, 350);
  await rename(relay, "Ann");
  let renames = 0;
  relay.store.onCommit = () => {
    if (renames++ === 1) void rename(relay, "Bo");
  };
  await until(() => relay.count("people WHERE resend > 0") === 0 && renames > 8, "all is done");
  assert.deepEqual(waiting(relay).length, 350);
  assert.deepEqual(new Set(waiting(relay)), new Set(["Bo"]));
});
