/**
 * Another machine of the network, played by this one: what connects to its port reaches the target from an address
 * of its own. Linux and Windows have all of 127.0.0.0/8.
 * @module
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class OtherAddress implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param address where connections to `target` come from: `127.0.0.2` */
  static async open(target: number, address: string): Promise<OtherAddress> {
    // A sender that has said all it has to say still gets its answer.
    const server = createServer({ allowHalfOpen: true });
    const other = new OtherAddress(server);
    server.on("connection", (near) => {
      const far = connect({
        host: "127.0.0.1",
        port: target,
        localAddress: address,
        allowHalfOpen: true,
      });
      for (const [from, to] of [[near, far], [far, near]] as const) {
        other.#sockets.add(from);
        from.setNoDelay(true);
        from.on("error", () => to.destroy());
        from.on("close", () => {
          other.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return other;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
