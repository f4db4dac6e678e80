/**
 * Real packets between real sockets: each probe sends, and waits for its own bytes to come back.
 *
 * @module
 */
import { openSocket, type Socket, SyscallError } from "ebpf-ts-loader/sys";
import { echoRequest, isEchoReply } from "./echo.ts";
import { addressOf, type Probe } from "./probe.ts";
import { EchoServers } from "./servers.ts";

/**
 * How a probe ended: `reached` (bytes went both ways), `denied` (no answer, and a packet of it was
 * seen to be dropped), `silent` (no answer, for no known reason), `failed` (an error).
 */
export type Outcome = "reached" | "denied" | "silent" | "failed";

/** What a probe came to. */
export interface ProbeResult {
  readonly probe: Probe;
  readonly outcome: Outcome;
  /** Source port; ICMP: identifier. */
  readonly sport: number;
  /** Of a failure: what went wrong. */
  readonly error: string | undefined;
}

/** Options for {@linkcode runTraffic}. */
export interface TrafficOptions {
  /**
   * Tells whether a packet of the probe was seen to be dropped. Asked about probes without an
   * answer, so that a denial is known early and a slow machine is not taken for one.
   * @default never
   */
  readonly dropped?: (probe: Probe, sport: number) => boolean;
  /** Called as soon as the source port of a probe is known, before its first packet. */
  readonly onStart?: (probe: Probe, sport: number) => void;
  /**
   * Milliseconds after which an answer does not come any more. Generous: it ends only what nothing
   * else explains. @default {10000}
   */
  readonly limit?: number;
  /** Ends everything; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** An answer that takes longer than this is asked about. */
const PATIENCE_MS = 300;
const LIMIT_MS = 10_000;
/** Descriptors are limited, and so is what a small machine answers in time. */
const AT_ONCE = 256;
const TOKEN_BYTES = 16;

/** Runs all probes, many at a time. Results are in the order of the probes. */
export async function runTraffic(
  probes: readonly Probe[],
  options: TrafficOptions = {},
): Promise<ProbeResult[]> {
  await using _servers = new EchoServers(probes);
  const results: ProbeResult[] = [];
  for (let at = 0; at < probes.length; at += AT_ONCE) {
    const wave = probes.slice(at, at + AT_ONCE);
    // Identifiers of ICMP echo: distinct within a namespace, which a wave is small enough for.
    const running = wave.map((probe, index) => runProbe(probe, 1 + (at + index) % 65535, options));
    results.push(...await settleAll(running));
  }
  return results;
}

/** Like `Promise.all()`, but waits for all, so that no socket is in use after a failure. */
async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
}

async function runProbe(
  probe: Probe,
  identifier: number,
  { dropped, onStart, limit = LIMIT_MS, signal }: TrafficOptions,
): Promise<ProbeResult> {
  signal?.throwIfAborted();
  const { source, family, protocol } = probe;
  const address = addressOf(source, family);
  const kind = ({ TCP: "tcp", UDP: "udp", ICMP: "icmp" } as const)[protocol];
  using socket = openSocket(family, kind, { netns: source.netns });
  socket.bind({ address, port: 0 });
  const sport = protocol === "ICMP" ? identifier : socket.localAddress.port;
  onStart?.(probe, sport);
  const giveUp = new AbortController();
  const until = signal ? AbortSignal.any([signal, giveUp.signal]) : giveUp.signal;
  const timer = watchPatience(giveUp, limit, () => dropped?.(probe, sport) ?? false);
  try {
    await exchange(socket, probe, identifier, until);
    return { probe, outcome: "reached", sport, error: undefined };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof GaveUp) return { probe, outcome: error.outcome, sport, error: undefined };
    if (!(error instanceof SyscallError)) throw error;
    return { probe, outcome: "failed", sport, error: error.message };
  } finally {
    clearInterval(timer);
  }
}

class GaveUp extends Error {
  constructor(readonly outcome: "denied" | "silent") {
    super(`No answer: ${outcome}`);
  }
}

function watchPatience(giveUp: AbortController, limit: number, isDropped: () => boolean) {
  let waited = 0;
  return setInterval(() => {
    waited += PATIENCE_MS;
    if (isDropped()) giveUp.abort(new GaveUp("denied"));
    else if (waited >= limit) giveUp.abort(new GaveUp("silent"));
  }, PATIENCE_MS);
}

/** Sends a token and waits for it to come back. */
async function exchange(
  socket: Socket,
  probe: Probe,
  identifier: number,
  signal: AbortSignal,
): Promise<void> {
  const { destination, family, protocol, port } = probe;
  const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  const to = { address: addressOf(destination, family), port };
  switch (protocol) {
    case "TCP":
      socket.startConnect(to);
      await socket.connected(signal);
      socket.send(token);
      return await receiveStream(socket, token, signal);
    case "UDP":
      socket.startConnect(to); // a refusal (ICMP port unreachable) becomes an error
      socket.send(token);
      return await receiveUntil(socket, (data) => equal(data, token), signal);
    case "ICMP":
      socket.sendTo(echoRequest(family, identifier, token), { ...to, port: 0 });
      return await receiveUntil(
        socket,
        (data) => isEchoReply(data, probe, identifier, token),
        signal,
      );
  }
}

async function receiveUntil(
  socket: Socket,
  isAnswer: (data: Uint8Array) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (;;) if (isAnswer((await socket.receive(signal)).data)) return;
}

async function receiveStream(socket: Socket, token: Uint8Array, signal: AbortSignal) {
  const answer: number[] = [];
  while (answer.length < token.length) {
    const { data } = await socket.receive(signal);
    if (data.length === 0) break;
    answer.push(...data);
  }
  if (!equal(Uint8Array.from(answer), token)) {
    throw new Error(`Cannot trust answer "${answer}": not what was sent, expected "${token}"`);
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
