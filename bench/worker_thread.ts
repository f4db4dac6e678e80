/** A thread that takes orders, one at a time; disposal ends it wherever it is. */
export class WorkerThread<Order, Result> implements Disposable {
  readonly #worker: Worker;
  readonly #name: string;

  /** @param module The thread's code: it answers each message with one. */
  constructor(module: URL) {
    this.#name = module.pathname.split("/").at(-1) ?? module.pathname;
    this.#worker = new Worker(module, { type: "module", name: this.#name });
  }

  /** Gives an order; rejects with what the thread throws. */
  call(order: Order): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#worker.onmessage = ({ data }: MessageEvent<Result>) => resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault(); // whoever waits for the result gets it
      reject(new Error(`${this.#name}: ${event.message}`));
    };
    this.#worker.postMessage(order);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
