// js/reader.js and js/page.js in a world of their own: a clock that stands still, a network that tests play, and a list of what was delivered.

import { readFileSync } from "node:fs";
import vm from "node:vm";

const [READER, PAGE] = ["reader.js", "page.js"].map((filename) => {
  const source = readFileSync(new URL(`../../../chatgpt_browser/_transport/fetch/${filename}`, import.meta.url), "utf-8");
  return new vm.Script(source, { filename });
});

/** A clock that goes on when it is told to, and then does what was due, in order. */
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

/** One request that the page has made, and the answer that a test gives it. */
class Call {
  constructor(url, init, outcome) {
    Object.assign(this, { url, init, outcome });
    this.pulled = 0;
    this.bytes = true;
    this.signal = init.signal;
    this.signal.addEventListener("abort", () => this.fail(this.signal.reason), { once: true });
  }

  /** Answer with a body that tests send piece by piece. */
  answer({ status = 200, headers = { "content-type": "text/event-stream" }, type = "default" } = {}) {
    const body = new ReadableStream({
      type: this.bytes ? "bytes" : undefined, // as Chromium's bodies are
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
    // Copied: what a stream of bytes is given, it takes away.
    for (const chunk of chunks) this.body.enqueue(new Uint8Array(Buffer.from(chunk)));
    return this;
  }

  end() {
    this.body.close();
    this.body.byobRequest?.respond(0); // whoever reads into a buffer of its own gets it back
    return this;
  }

  fail(error) {
    try {
      this.body?.error(error);
    } catch {
      // it has been closed already
    }
    this.outcome.reject(error);
  }
}

/** The page's half, with all that it needs. */
export class World {
  clock = new Clock();
  calls = [];
  pushes = [];
  protocol = "http/1.1";
  cleared = 0;

  constructor() {
    const context = vm.createContext({
      fetch: (url, init) =>
        new Promise((resolve, reject) => this.calls.push(new Call(url, init, { resolve, reject }))),
      chatgptBrowserDeliver: (payload) => this.take(payload),
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
    this.kit = context.chatgptBrowser;
  }

  take(payload) {
    if (payload !== null) this.pushes.push(JSON.parse(payload).slice(1));
  }

  /** Send a request, and give the call that it has become. */
  open(id = 1, request = {}) {
    const opening = this.kit.open(id, { url: "/x", method: "POST", headers: {}, body: "{}", stream: true, ...request });
    opening.then((payload) => this.take(payload));
    return this.calls.at(-1);
  }

  get frames() {
    return this.pushes.flat();
  }

  /** The frames of one exchange, without its number. */
  of(id = 1) {
    return this.frames.filter(([number]) => number === id).map(([, ...frame]) => frame);
  }

  /** Let everything happen that can without the clock. */
  async rest() {
    for (let turn = 0; turn < 12; turn += 1) await new Promise(setImmediate);
  }

  /** Let everything happen, and the time pass that the outbox takes. */
  async flush() {
    await this.rest();
    this.clock.advance(4);
    await this.rest();
  }
}

/** Put reduced events together again, as the other end does. */
export function rebuilt(events) {
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

/** The events of a body, read in the plainest way: the standard's text, line by line, with all of it at hand. */
export function reference(bytes) {
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\r|\n/);
  const unfinished = lines.pop(); // what follows the last line's end
  const events = [];
  let [data, type, last] = [[], "", false];
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
    if (data.join("\n") !== "" && !last) {
      events.push({ type, data: data.join("\n"), unended: false });
      last = data.join("\n") === "[DONE]";
    }
    [data, type] = [[], ""];
  }
  if (unfinished !== "") take(unfinished);
  if (data.join("\n") !== "" && !last) events.push({ type, data: data.join("\n"), unended: true });
  return events;
}

/** Random numbers that are the same for the same seed. */
export function chance(seed) {
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
