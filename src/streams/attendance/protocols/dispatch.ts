/**
 * Which protocol a device speaks: decided by its first bytes, never by the brand. What is recognised and not
 * supported is listed, so that the user learns why nothing arrives.
 * @module
 */
import { isSerial, serialOf } from "../devices/device.ts";
import { firstLineOf, isXml, noteXml } from "../devices/unsupported.ts";
import type { Connection } from "../listener/connection.ts";
import { bodyPieces, type HttpAnswer, type RequestHead } from "../listener/http.ts";
import type { Protocols } from "../listener/listener.ts";
import { AifaceSocket, answerPost } from "./aiface/serve.ts";
import type { ProtocolContext } from "./context.ts";
import { endpointOf, type IclockRouter } from "./iclock/router.ts";

export function createProtocols(context: ProtocolContext, iclock: IclockRouter): Protocols {
  return {
    receive(address, bytes) {
      if (!isXml(bytes)) return false;
      noteXml(context.devices, address, bytes);
      return true;
    },
    socket: (connection) => new AifaceSocket(context, connection),
    async answer(connection, head) {
      if (endpointOf(head.path) !== undefined) return await iclock.answer(connection, head);
      if (head.headers.has("request_code") || head.headers.has("dev_id")) {
        return answerFkweb(context, connection, head);
      }
      if (head.method === "POST") return await answerPost(context, connection, head);
      const { strangerBytes: limit } = context.quota.limits;
      for await (const _ of bodyPieces(connection, head, { limit }));
      return { status: 404, body: "not found\n" };
    },
  };
}

/** FKWeb, of older devices: listed, not supported. */
function answerFkweb(
  { devices }: ProtocolContext,
  { address }: Connection,
  head: RequestHead,
): HttpAnswer {
  const sn = head.headers.get("dev_id") ?? "";
  devices.noteUnsupported(isSerial(sn) ? sn : serialOf(address), {
    address,
    protocol: "fkweb",
    firstLine: firstLineOf(`${head.method} ${head.target}`),
  });
  head.keepAlive = false;
  return { status: 501, body: "protocol not supported\n" };
}
