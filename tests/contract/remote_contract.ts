/**
 * What every remote has to do, whatever cloud is behind it: run on each of them.
 * @module
 */
import assert from "node:assert/strict";
import { Deadline, type OutboxBatch, type Remote, RemoteError } from "../../src/core/mod.ts";

/** How the next request to the cloud goes wrong. */
export type CloudFault =
  | { kind: "status"; status: number; code?: string; message?: string; retryAfter?: string }
  | { kind: "hang" }
  | { kind: "reset" }
  | { kind: "reset-after-apply" };

/** A cloud to test a remote against. */
export interface ContractCloud extends AsyncDisposable {
  remote: Remote;
  /** A remote of the same kind with nothing at its address. */
  nowhere: Remote;
  /** A batch of rows with these ids, as this remote would be given it. */
  batch(ids: readonly string[]): OutboxBatch;
  /** The ids of the rows the cloud has, sorted. */
  stored(): string[] | Promise<string[]>;
  /** The next request goes wrong. */
  fault(fault: CloudFault): void;
  /** What must not be in any message: tokens, keys, contents of rows. */
  secrets: readonly string[];
}

/** Tests that `remote` is a Remote as the lanes need it. */
export function remoteContract(name: string, open: () => Promise<ContractCloud>): void {
  const test = (behaviour: string, run: (cloud: ContractCloud) => Promise<void>) =>
    Deno.test(`${name} ${behaviour}`, async () => {
      await using cloud = await open();
      await run(cloud);
    });
  const { signal } = new AbortController();
  const [a, b, c] = [
    "0190a000-0000-7000-8000-00000000000a",
    "0190a000-0000-7000-8000-00000000000b",
    "0190a000-0000-7000-8000-00000000000c",
  ] as const;

  test("accepts exactly the rows it stored", async (cloud) => {
    const result = await cloud.remote.push(cloud.batch([a, b]), { signal });
    assert.deepEqual([...result.accepted].sort(), [a, b]);
    assert.deepEqual(result.rejected, []);
    assert.deepEqual(await cloud.stored(), [a, b]);
  });

  test("accepts a repeated batch, and one that overlaps, without storing anything twice", async (cloud) => {
    await cloud.remote.push(cloud.batch([a, b]), { signal });
    const again = await cloud.remote.push(cloud.batch([a, b]), { signal });
    const overlapping = await cloud.remote.push(cloud.batch([b, c]), { signal });
    assert.deepEqual([...again.accepted].sort(), [a, b]);
    assert.deepEqual([...overlapping.accepted].sort(), [b, c]);
    assert.deepEqual(await cloud.stored(), [a, b, c]);
  });

  test("stores once what it sends again after a lost answer", async (cloud) => {
    cloud.fault({ kind: "reset-after-apply" });
    await refused(cloud, cloud.remote.push(cloud.batch([a, b]), { signal }));
    const { accepted } = await cloud.remote.push(cloud.batch([a, b]), { signal });
    assert.deepEqual([...accepted].sort(), [a, b]);
    assert.deepEqual(await cloud.stored(), [a, b]);
  });

  test("tells the status, the code and the wait of a refusal", async (cloud) => {
    cloud.fault({ kind: "status", status: 503, code: "PGRST002", retryAfter: "7" });
    const error = await refused(cloud, cloud.remote.push(cloud.batch([a]), { signal }));
    assert.equal(error.status, 503);
    assert.equal(error.code, "PGRST002");
    assert.equal(error.retryAfterMs, 7_000);
    assert.deepEqual(await cloud.stored(), []);
  });

  test("reads a wait that is given as a date", async (cloud) => {
    const retryAfter = new Date(Date.now() + 90_000).toUTCString();
    cloud.fault({ kind: "status", status: 429, retryAfter });
    const { status, retryAfterMs = NaN } = await refused(
      cloud,
      cloud.remote.push(cloud.batch([a]), { signal }),
    );
    assert.equal(status, 429);
    assert.ok(retryAfterMs > 80_000 && retryAfterMs <= 91_000, `${retryAfterMs} ms`);
  });

  test("keeps the cloud's own words apart from the message", async (cloud) => {
    const message = `invalid input syntax: "${cloud.secrets[0]}"`;
    cloud.fault({ kind: "status", status: 400, code: "22P02", message });
    const error = await refused(cloud, cloud.remote.push(cloud.batch([a]), { signal }));
    assert.equal(error.code, "22P02");
    assert.ok(error.detail?.startsWith("invalid input syntax"));
  });

  for (const status of [400, 401, 403, 404, 413, 500]) {
    test(`throws the facts of status ${status}`, async (cloud) => {
      cloud.fault({ kind: "status", status });
      const error = await refused(cloud, cloud.remote.push(cloud.batch([a]), { signal }));
      assert.equal(error.status, status);
    });
  }

  test("has no status when the connection breaks", async (cloud) => {
    cloud.fault({ kind: "reset" });
    const error = await refused(cloud, cloud.remote.push(cloud.batch([a]), { signal }));
    assert.equal(error.status, undefined);
  });

  test("has no status when nothing is at its address", async (cloud) => {
    const pushed = await refused(cloud, cloud.nowhere.push(cloud.batch([a]), { signal }));
    const probed = await refused(cloud, cloud.nowhere.probe({ signal }));
    assert.equal(pushed.status, undefined);
    assert.equal(probed.status, undefined);
  });

  test("ends with the code timeout when no answer comes before its caller's deadline", async (cloud) => {
    cloud.fault({ kind: "hang" });
    using deadline = new Deadline({ ms: 200 });
    const push = cloud.remote.push(cloud.batch([a]), { signal: deadline.signal });
    const error = await refused(cloud, push);
    assert.equal(error.code, "timeout");
    assert.equal(error.status, undefined);
  });

  test("ends at once when its signal aborts", async (cloud) => {
    cloud.fault({ kind: "hang" });
    const stop = new AbortController();
    const push = cloud.remote.push(cloud.batch([a]), { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    const error = await refused(cloud, push);
    assert.notEqual(error.code, "timeout");
  });

  test("can be probed, and says how the clocks differ", async (cloud) => {
    const { clockOffsetMs } = await cloud.remote.probe({ signal });
    assert.ok(clockOffsetMs === null || Math.abs(clockOffsetMs) < 5_000, `${clockOffsetMs} ms`);
  });

  /** The error of a call, which must have one, and must keep its secrets. */
  async function refused(cloud: ContractCloud, call: Promise<unknown>): Promise<RemoteError> {
    const error = await call.then(() => undefined, (reason: unknown) => reason);
    assert.ok(error instanceof RemoteError, String(error));
    for (const secret of [...cloud.secrets, a, b, c]) {
      assert.ok(!error.message.includes(secret), error.message);
      assert.ok(!String(error.cause ?? "").includes(secret), String(error.cause));
    }
    return error;
  }
}
