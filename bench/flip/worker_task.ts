/** A thread with one order and one result; disposal ends it wherever it is. */
export class WorkerTask<Order, Result> implements Disposable {
  readonly #worker: Worker;
  /** What the thread answers; rejects with what it throws. */
  readonly result: Promise<Result>;

  /** @param file The thread's module, in this folder. */
  constructor(file: string, order: Order) {
    this.#worker = new Worker(new URL(file, import.meta.url), { type: "module", name: file });
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#worker.onmessage = ({ data }: MessageEvent<Result>) => resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault(); // whoever waits for the result gets it
      reject(new Error(`${file}: ${event.message}`));
    };
    this.result = promise;
    this.#worker.postMessage(order);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
