/**
 * A job off the event loop: a function that runs in a worker, which is started by the first input and ended by disposal.
 * The worker is made from the function's text, because a module of its own would have to be embedded in the executable;
 * so the function uses nothing but its arguments.
 *
 * Each worker costs about 5 MB while it is there.
 * @module
 */

/** Why a job failed whose worker was ended. */
export const STOPPED = "the agent stops";

type SQLite = typeof import("node:sqlite");

export type Job<Input, Output> = (sqlite: SQLite, input: Input) => Output | Promise<Output>;

/** What the worker answers. */
type Answer<Output> = { output: Output } | { error: string };

export class JobWorker<Input, Output> implements Disposable {
  readonly #job: Job<Input, Output>;
  readonly #name: string;
  readonly #ended = Promise.withResolvers<never>();
  #worker: Worker | undefined;

  constructor(name: string, job: Job<Input, Output>) {
    this.#name = name;
    this.#job = job;
    // There may be no input under way at that moment.
    this.#ended.promise.catch(() => {});
  }

  /** What the job makes of an input, one input at a time. Rejects when it fails, or when the worker is ended. */
  async run(input: Input): Promise<Output> {
    const worker = this.#worker ??= this.#start();
    const answer = Promise.withResolvers<Answer<Output>>();
    worker.onmessage = ({ data }: MessageEvent<Answer<Output>>) => answer.resolve(data);
    worker.postMessage(input);
    const result = await Promise.race([answer.promise, this.#ended.promise]);
    if ("error" in result) throw new Error(result.error);
    return result.output;
  }

  [Symbol.dispose](): void {
    this.#worker?.terminate();
    this.#ended.reject(new Error(STOPPED));
  }

  #start(): Worker {
    const worker = new Worker(sourceOf(this.#job), { type: "module", name: this.#name });
    worker.onerror = (event) => {
      event.preventDefault();
      this.#ended.reject(new Error(event.message));
    };
    return worker;
  }
}

function sourceOf<Input, Output>(job: Job<Input, Output>): string {
  const text = `
    import * as sqlite from "node:sqlite";
    self.onmessage = async ({ data }) => {
      try {
        self.postMessage({ output: await (${job})(sqlite, data) });
      } catch (error) {
        self.postMessage({ error: error.message });
      }
    };`;
  return `data:application/javascript,${encodeURIComponent(text)}`;
}
