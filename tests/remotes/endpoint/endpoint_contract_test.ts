import { createEndpoint } from "../../../src/remotes/endpoint/mod.ts";
import { remoteContract } from "../../contract/remote_contract.ts";
import { FaultyServer } from "../../support/servers/faulty_server.ts";

const TOKEN = "s3cret-token";
const CONTENT = "a very private window title";

remoteContract("Endpoint", async () => {
  const server = await FaultyServer.start();
  server.token = TOKEN;
  const at = (url: string) => createEndpoint({ url, token: TOKEN });
  return {
    remote: at(`${server.url}?key=${TOKEN}`),
    nowhere: at(`http://user:${TOKEN}@127.0.0.1:${await freePort()}/?key=${TOKEN}`),
    batch: (ids) => ({
      stream: "playtime",
      table: "heartbeats",
      operation: "insert",
      rows: ids.map((id) => ({ id, title: CONTENT })),
    }),
    stored: () => [...server.rows.keys()].sort(),
    fault(fault) {
      if (fault.kind !== "status") return void server.faults.push(fault);
      const { status, code, message, retryAfter } = fault;
      server.faults.push({
        kind: "status",
        status,
        body: { code, message },
        ...(retryAfter ? { headers: { "retry-after": retryAfter } } : {}),
      });
    },
    secrets: [CONTENT, TOKEN],
    [Symbol.asyncDispose]: () => server.close(),
  };
});

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = await FaultyServer.start();
  const { port } = server;
  await server.close();
  return port;
}
