/**
 * What /openapi.json says of each route's answers, held against the running agent: every status that it describes is
 * met, and none is met that it does not.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { request } from "../security/attack.ts";
import { crowd, Wire } from "../security/target.ts";
import { openApiFlaws } from "../support/openapi.ts";
import { until } from "../support/until.ts";

const DEVICE = "AYSK1001";
/** Devices that speak what the agent does not: one to ask about, one to remove, one to remove in vain. */
const UNSUPPORTED = ["FK01", "FK02", "FK03"];
const EVENT = { mode: "live", source: "a", type: "T", subtype: "S", body: "b" };
const MOST_LISTENERS = 1_000;

interface Operation {
  parameters?: {
    name: string;
    in: "path" | "query";
    required: boolean;
    description?: string;
  }[];
  requestBody?: {
    content: Record<string, { schema: { description?: string; examples?: unknown[] } }>;
  };
  responses: Record<string, unknown>;
}

/** What stands in a path and in a query where something has to. */
const PARAMETERS: Readonly<Record<string, string>> = {
  sn: DEVICE,
  table: "tasks",
  id: "t-1",
  mode: "live",
};

/** Routes that are asked of another row, so that the ones after them find theirs as it was. */
const PATHS: Readonly<Record<string, string>> = {
  "POST /devices/{sn}/refuse": "/devices/FK01/refuse",
  "PATCH /devices/{sn}": "/devices/FK01",
  "DELETE /devices/{sn}": "/devices/FK02",
  // Of the list that the example of an import is.
  "GET /people/{id}": "/people/7",
  "PUT /people/{id}": "/people/7",
  "DELETE /people/{id}": "/people/7",
  "GET /people/{id}/export": "/people/7/export",
  "POST /people/{id}/erase": "/people/7/erase",
};

/** What is asked while the database is held, where the route's own request would find nothing to write any more. */
const BUSY: Readonly<Record<string, Odd>> = {
  "DELETE /devices/{sn}": { path: "/devices/FK03" },
  // The same that is open already is not asked twice.
  "POST /devices/{sn}/commands": { body: JSON.stringify({ command: "restart" }) },
  "DELETE /people/{id}": { path: "/people/9" },
  "POST /people/{id}/erase": { path: "/people/9/erase" },
};

/** A request to a route, with what makes it another than it should be. */
interface Odd {
  headers?: Readonly<Record<string, string>>;
  path?: string;
  body?: string;
}

/** Requests of which each kind of refusal comes, where a route has it at all. */
const ODD: Readonly<Record<number, Odd>> = {
  400: { headers: { Host: "" } },
  401: { headers: { Authorization: "Bearer wrong" } },
  403: { headers: { Origin: "https://evil.example" } },
  413: { headers: { "Content-Length": "9999999" }, body: "x" },
  415: { headers: { "Content-Type": "text/plain" }, body: "x" },
  421: { headers: { Host: "evil.example" } },
};

const RECORD = { headers: { "Idempotency-Key": "record-1" } };
const GRANT = { headers: { "Idempotency-Key": "grant-1" } };

/** What the rest takes: by route and status, what is asked, in this order. */
const PARTICULAR: Readonly<Record<string, Odd>> = {
  "POST /allowance/grants 201": GRANT,
  "POST /allowance/grants 200": GRANT,
  "POST /allowance/grants 404": { body: JSON.stringify({ undoes: "none" }) },
  "POST /allowance/grants 422": { ...GRANT, body: JSON.stringify({ extra_min: 5 }) },
  "PATCH /devices/{sn} 404": { path: "/devices/NOBODY1" },
  "PATCH /devices/{sn} 409": { path: `/devices/${DEVICE}` },
  "DELETE /devices/{sn} 404": { path: "/devices/NOBODY1" },
  "DELETE /devices/{sn} 409": { path: `/devices/${DEVICE}` },
  "GET /devices/{sn}/commands 404": { path: "/devices/NOBODY1/commands" },
  "POST /devices/{sn}/commands 404": { path: "/devices/NOBODY1/commands" },
  "POST /devices/{sn}/commands 409": { path: "/devices/FK01/commands" },
  "POST /punches/corrections 404": {
    body: JSON.stringify({ kind: "strike", punch_id: "none", reason: "r", by: "b" }),
  },
  "POST /punches/corrections 409": {},
  "POST /people/import 422": { body: "name\nAnn" },
  "GET /people/{id} 404": { path: "/people/none" },
  "PUT /people/{id} 200": { path: "/people/9", body: JSON.stringify({ name: "Bo" }) },
  "PUT /people/{id} 409": { path: "/people/9" },
  "DELETE /people/{id} 404": { path: "/people/none" },
  "GET /people/{id}/export 404": { path: "/people/none/export" },
  "POST /people/{id}/erase 404": { path: "/people/none/erase" },
  "POST /local/events 422": { body: JSON.stringify({ ...EVENT, body: 1 }) },
  "POST /devices/{sn}/approve 404": { path: "/devices/NOBODY1/approve" },
  "POST /devices/{sn}/refuse 404": { path: "/devices/NOBODY1/refuse" },
  "POST /devices/{sn}/resync 404": { path: "/devices/NOBODY1/resync" },
  "POST /devices/{sn}/resync 409": { path: "/devices/FK01/resync" },
  "POST /devices/{sn}/approve 409": { path: "/devices/FK01/approve" },
  "POST /records/{table} 201": RECORD,
  "POST /records/{table} 200": RECORD,
  "POST /records/{table} 422": { ...RECORD, body: JSON.stringify({ title: "another" }) },
  "POST /records/{table}/batch 200": { body: JSON.stringify([{ put: { id: "t-3" } }]) },
  "PUT /records/{table}/{id} 201": { path: "/records/tasks/new" },
  "GET /records/{table}/{id} 404": { path: "/records/tasks/none" },
  "PATCH /records/{table}/{id} 404": { path: "/records/tasks/none" },
  "DELETE /records/{table}/{id} 404": { path: "/records/tasks/none" },
};

/** What only a cloud, a full disk or an agent that ends could show; other tests do. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  "POST /sync/now 200",
  "POST /sync/now 202",
  "POST /sync/reset 200",
  "POST /sync/reset 503",
  "POST /quarantine/retry 503",
  "GET /healthz 503",
]);

Deno.test("/openapi.json describes the statuses that routes answer, all of them and no others", async (t) => {
  await using agent = await startAgent({
    config: {
      time_zone: "UTC",
      process_name: `Nobody${Deno.pid}.exe`,
      attendance: {
        enabled: true,
        host: "127.0.0.1",
        port: 0,
        // As the example of an approval names it: another name would contradict the configuration.
        devices: [{ sn: DEVICE, name: "Front door" }],
      },
    },
  });
  const port = Number(new URL(agent.url).port);
  const token = await agent.token();
  const document = await (await fetch(`${agent.url}/openapi.json`)).json();
  const { paths } = document as { paths: Record<string, Record<string, Operation>> };
  for (const sn of UNSUPPORTED) await unsupportedDevice(agent, sn);
  const made = await fetch(`${agent.url}/records/${PARAMETERS["table"]}/${PARAMETERS["id"]}`, {
    method: "PUT",
    headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
    body: "{}",
  });
  assert.equal(made.status, 201, await made.text());
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
    }))
  );
  await t.step("the description is valid, and of every parameter and body", () => {
    assert.deepEqual(openApiFlaws(document), []);
    const silent = operations.flatMap(({ name, operation: { parameters = [], requestBody } }) => [
      ...parameters.filter(({ description }) => !description).map((each) => `${name} ${each.name}`),
      ...Object.entries(requestBody?.content ?? {})
        .filter(([, { schema }]) => !schema.description || !schema.examples)
        .map(([type]) => `${name} ${type}`),
    ]);
    assert.deepEqual(silent, []);
  });

  const described = new Set<string>();
  const met = new Set<string>();

  const ask = async (name: string, operation: Operation, odd: Odd): Promise<number> => {
    using wire = await Wire.open(port);
    await wire.say(requestOf(name, operation, odd, token));
    await wire.answered();
    met.add(`${name} ${wire.statuses[0]}`);
    return wire.statuses[0]!;
  };

  for (const { name, operation } of operations) {
    for (const status of Object.keys(operation.responses)) {
      if (status !== "default") described.add(`${name} ${status}`);
    }
    await t.step(name, async () => {
      await ask(name, operation, {});
      for (const [status, odd] of Object.entries(ODD)) {
        // Only who listens beyond this machine asks readers for the token.
        if (status === "401" && name.startsWith("GET ")) continue;
        await ask(name, operation, odd);
      }
      for (const [which, odd] of Object.entries(PARTICULAR)) {
        if (!which.startsWith(`${name} `)) continue;
        assert.equal(`${name} ${await ask(name, operation, odd)}`, which);
      }
    });
  }

  await t.step("more listeners than there may be", async () => {
    const streams = ["GET /stream", "GET /local/stream"];
    using listeners = await crowd(MOST_LISTENERS * streams.length, port);
    await Promise.all(listeners.map((wire, index) => {
      const { name, operation } = operations.find((each) => each.name === streams[index % 2])!;
      return wire.say(requestOf(name, operation, {}, token));
    }));
    await until(() => listeners.every(({ heard }) => heard !== ""), "all to listen");
    for (const { name, operation } of operations) {
      if (streams.includes(name)) await ask(name, operation, {});
    }
  });

  await t.step("a database that another program holds", async () => {
    using other = new DatabaseSync(`${agent.dir}/clockblock.db`);
    other.exec("BEGIN IMMEDIATE");
    await Promise.all(
      operations.filter(({ name }) => described.has(`${name} 507`))
        .map(({ name, operation }) => ask(name, operation, BUSY[name] ?? {})),
    );
    other.exec("ROLLBACK");
  });

  const unmet = [...described].filter((each) =>
    !met.has(each) && !ELSEWHERE.has(each) && !each.endsWith(" 507") &&
    !(each.startsWith("GET ") && each.endsWith(" 401"))
  );
  assert.deepEqual([...met].filter((each) => !described.has(each)), [], "met, not described");
  assert.deepEqual(unmet, [], "described, not met");
});

/** A request by the book, but for what is odd about it. */
function requestOf(name: string, operation: Operation, odd: Odd, token: string): string {
  const [method = "", template = ""] = name.split(" ");
  const { parameters = [], requestBody } = operation;
  const path = template.replaceAll(/\{(\w+)\}/g, (_, parameter) => PARAMETERS[parameter]!);
  const query = parameters.filter((parameter) => parameter.in === "query" && parameter.required)
    .map(({ name }) => `${name}=${PARAMETERS[name]}`).join("&");
  const content = requestBody?.content ?? {};
  const mediaType = "application/json" in content ? "application/json" : Object.keys(content)[0];
  const example = mediaType && content[mediaType]!.schema.examples![0];
  const body = odd.body ?? (typeof example === "string" ? example : JSON.stringify(example) ?? "");
  return request(
    `${method} ${odd.path ?? PATHS[name] ?? path}${query === "" ? "" : `?${query}`}`,
    {
      ...(body === "" ? {} : { "Content-Type": mediaType ?? "application/json" }),
      ...(method === "GET" ? {} : { Authorization: `Bearer ${token}` }),
      ...odd.headers,
    },
    body,
  );
}

/** Has a device call that speaks what the agent does not. */
async function unsupportedDevice(agent: AgentProcess, sn: string): Promise<void> {
  let devices = 0;
  await until(async () => {
    const { attendance } = await (await fetch(`${agent.url}/status`)).json();
    devices = Number(attendance.listening?.split(":").at(-1) ?? 0);
    return devices > 0;
  }, "the devices' listener");
  using wire = await Wire.open(devices);
  const headers = { request_code: "realtime_glog", dev_id: sn, trans_id: "1", blk_no: "0" };
  await wire.say(request("POST /", headers, "x"));
  await wire.over();
  await until(async () => {
    const known = await (await fetch(`${agent.url}/devices`)).json();
    return known.some((device: { sn: string; state: string }) =>
      device.sn === sn && device.state === "unsupported"
    );
  }, "the device to be known");
}
