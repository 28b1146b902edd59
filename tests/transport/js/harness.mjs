// reader.js and page.js in a separate JavaScript context, with a clock and a network that the tests control, and a record of all pushes.

import { readFileSync } from "node:fs";
import vm from "node:vm";

const [READER, PAGE] = ["reader.js", "page.js"].map((filename) => {
  const source = readFileSync(new URL(`../../../chatgpt_browser/_transport/fetch/${filename}`, import.meta.url), "utf-8");
  return new vm.Script(source, { filename });
});

/** A clock that advances only on demand, and then runs the timers that are due, in order. */
class Clock {
  now = 0;
  #timers = new Map();
  #numbers = 0;

  setTimeout = (work, delay) => {
    this.#timers.set(++this.#numbers, { work, at: this.now + delay });
    return this.#numbers;
  };

  clearTimeout = (number) => this.#timers.delete(number);

  get pending() {
    return this.#timers.size;
  }

  advance(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [number, timer] = due;
      this.#timers.delete(number);
      this.now = timer.at;
      timer.work();
    }
    this.now = end;
  }
}

/** One call of `fetch`, and the response that a test gives it. */
class Call {
  constructor(url, init, outcome) {
    Object.assign(this, { url, init, outcome });
    this.pulled = 0;
    this.bytes = true;
    this.signal = init.signal;
    this.signal.addEventListener("abort", () => this.fail(this.signal.reason), { once: true });
  }

  /** Respond with a head; the body is sent with `send`. */
  respond({ status = 200, headers = { "content-type": "text/event-stream" }, type = "default" } = {}) {
    const body = new ReadableStream({
      type: this.bytes ? "bytes" : undefined, // like the bodies in Chromium
      start: (controller) => {
        this.body = controller;
      },
      pull: () => {
        this.pulled += 1;
      },
    });
    this.outcome.resolve({ status, statusText: "", ok: status < 300, type, body, headers: new Headers(headers) });
    return this;
  }

  send(...chunks) {
    // Copied, because a byte stream detaches the buffers that are enqueued.
    for (const chunk of chunks) this.body.enqueue(new Uint8Array(Buffer.from(chunk)));
    return this;
  }

  end() {
    this.body.close();
    this.body.byobRequest?.respond(0); // returns the buffer of a pending read
    return this;
  }

  fail(error) {
    try {
      this.body?.error(error);
    } catch {
      // the body is already closed
    }
    this.outcome.reject(error);
  }
}

/** An isolated world in which reader.js and page.js run. */
export class FakeWorld {
  clock = new Clock();
  calls = [];
  pushes = [];
  protocol = "http/1.1";
  cleared = 0;

  constructor() {
    const context = vm.createContext({
      fetch: (url, init) =>
        new Promise((resolve, reject) => this.calls.push(new Call(url, init, { resolve, reject }))),
      chatgptBrowserDeliver: (payload) => this.receive(payload),
      performance: { now: () => this.clock.now, getEntriesByType: () => [{ nextHopProtocol: this.protocol }] },
      setTimeout: this.clock.setTimeout,
      clearTimeout: this.clock.clearTimeout,
      AbortController,
      DOMException,
      Response,
      TextDecoder,
      TextEncoder,
      origin: "https://chat.openai.com",
      document: {
        readyState: "complete",
        documentElement: { replaceChildren: () => (this.cleared += 1) },
        addEventListener: (name, listener) => (this.loaded = listener),
      },
    });
    READER.runInContext(context);
    PAGE.runInContext(context);
    this.client = context.chatgptBrowser;
  }

  receive(payload) {
    if (payload !== null) this.pushes.push(JSON.parse(payload).slice(1));
  }

  /** Send a request; return the call of `fetch` that it caused. */
  open(id = 1, request = {}) {
    const opening = this.client.open(id, { url: "/x", method: "POST", headers: {}, body: "{}", stream: true, ...request });
    opening.then((payload) => this.receive(payload));
    return this.calls.at(-1);
  }

  get frames() {
    return this.pushes.flat();
  }

  /** Return the frames of one exchange, without its id. */
  framesOf(id = 1) {
    return this.frames.filter(([number]) => number === id).map(([, ...frame]) => frame);
  }

  /** Wait until everything has run that does not need the clock. */
  async settle() {
    for (let count = 0; count < 12; count += 1) await new Promise(setImmediate);
  }

  /** Wait until everything has run, and advance the clock so far that the outbox is sent. */
  async flush() {
    await this.settle();
    this.clock.advance(4);
    await this.settle();
  }
}

/** Restore the events from their reduced forms, as the Python side does. */
export function rebuild(events) {
  const whole = [];
  let [type, head, text, tail] = ["", "", "", null];
  for (const event of events) {
    if (typeof event === "string") text += event;
    else if (Array.isArray(event)) [text, tail] = event.length === 1 ? [event[0], tail] : [text + event[0], event[1]];
    else if ("data" in event) [type, head, text, tail] = [event.type, event.data, "", null];
    else ({ type, head, text, tail } = event);
    whole.push({ type, data: tail === null ? head : head + text + tail, unended: Boolean(event.unended) });
  }
  return whole;
}

/** Parse the events of a complete body: a simple implementation of the standard, for comparison. */
export function parseReference(bytes) {
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\r|\n/);
  const unfinished = lines.pop(); // the text after the last end of a line
  const events = [];
  let [data, type, done] = [[], "", false];
  const take = (line) => {
    const [, field, value] = /^([^:]*)(?::[ ]?(.*))?$/s.exec(line);
    if (field === "data") data.push(value ?? "");
    if (field === "event") type = value ?? "";
  };
  for (const line of lines) {
    if (line !== "") {
      take(line);
      continue;
    }
    if (data.join("\n") !== "" && !done) {
      events.push({ type, data: data.join("\n"), unended: false });
      done = data.join("\n") === "[DONE]";
    }
    [data, type] = [[], ""];
  }
  if (unfinished !== "") take(unfinished);
  if (data.join("\n") !== "" && !done) events.push({ type, data: data.join("\n"), unended: true });
  return events;
}

/** Create a source of random numbers that depend only on the seed. */
export function createRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit) => Math.floor(next() * limit);
  return { below, pick: (list) => list[below(list.length)] };
}
