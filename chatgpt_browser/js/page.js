/**
 * The page's half of the client. It runs in an isolated world: the site's own scripts can neither see it nor patch the
 * `fetch`, `JSON` and `TextDecoder` that it uses. It keeps no secret: a request's headers live as long as the request.
 *
 * Evaluated, it gives an object with `open`, `abort` and `grant`. What it has to say goes out in pushes: JSON lists of a push's
 * number (1, 2, ...) and frames. The first push of an exchange is what its `open` gives in the end, which spares both sides an
 * event (null where others have taken all of its frames along); all else goes through the binding `chatgptBrowserDeliver`. Either
 * way may overtake the other: hence the numbers. A frame is [exchange, kind, ...]:
 *
 *   [id, "head", {status, statusText, headers, redirected, bytesRead}]   the answer has begun; bytesRead: of all bodies so far
 *   [id, "events", [...], n]     events of a stream, in the four forms that EventReader makes
 *   [id, "text", "...", n]       a piece of a body that is no stream of events
 *   [id, "alive"]                a comment or an empty event: nothing to read, but the line is alive
 *   [id, "end"]                  the body is over
 *   [id, "error", phase, name, message]    it broke, before ("head") or after ("body") the answer began
 *
 * n counts what the frame owes the reader's window; `grant` gives it back once the frame has been taken.
 */
(() => {
  "use strict";

  const PUSHES_AT_ONCE = 4; // this many pushes go out without delay,
  const PUSH_INTERVAL = 4; // then one for each so many ms: under load each push costs about 0.3 ms at the other end,
  const LONGEST_INTERVAL = 16; // and the longer the load lasts, the further apart they are
  const PUSH_CHARS = 1 << 18; // an outbox of this size is sent whatever the clock says
  const WINDOW_CHARS = 1 << 22; // a reader this far ahead of its consumer waits, and with it the server
  const ABORT_DELAY = 50; // ms that an answer which may be on its way is given before its request is aborted
  const LINGER = 2000; // ms that a body may go on after its last event, so that its connection can be used again

  const exchanges = new Map();
  let bytesRead = 0;
  let protocol = ""; // by which the document came
  const forever = new Promise(() => {});

  // ---- the outbox: one for all exchanges --------------------------------------------------------------------------

  let outbox = [];
  let outboxChars = 0;
  let pushes = 0;
  let timer = null;
  let interval = PUSH_INTERVAL;
  let allowance = PUSHES_AT_ONCE;
  let allowanceAt = 0;

  function mayPush() {
    const now = performance.now();
    allowance = Math.min(PUSHES_AT_ONCE, allowance + (now - allowanceAt) / interval);
    allowanceAt = now;
    if (allowance === PUSHES_AT_ONCE) interval = PUSH_INTERVAL;
    return allowance >= 1;
  }

  function push() {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (outbox.length === 0) return;
    const frames = outbox;
    outbox = [];
    outboxChars = 0;
    allowance -= 1;
    pushes += 1;
    const text = JSON.stringify([pushes, ...frames]);
    const opening = frames.map(([id]) => exchanges.get(id)).find((exchange) => exchange?.opened);
    if (opening === undefined) globalThis.chatgptBrowserDeliver(text);
    else opening.say(text);
  }

  function pushLate() {
    interval = Math.min(interval * 2, LONGEST_INTERVAL);
    push();
  }

  /** Send the outbox now if that is fair, else soon. */
  function settle() {
    if (outbox.length === 0) return;
    if (outboxChars >= PUSH_CHARS || mayPush()) push();
    else if (timer === null) timer = setTimeout(pushLate, interval);
  }

  function post(exchange, kind, ...rest) {
    if (exchanges.get(exchange.id) === exchange) outbox.push([exchange.id, kind, ...rest]);
  }

  function account(exchange, chars) {
    exchange.owed += chars;
    outboxChars += chars;
  }

  function postEvent(exchange, event, chars) {
    account(exchange, chars);
    const last = outbox[outbox.length - 1];
    if (last !== undefined && last[0] === exchange.id && last[1] === "events") {
      last[2].push(event);
      last[3] += chars;
    } else {
      post(exchange, "events", [event], chars);
    }
  }

  function postAlive(exchange) {
    const last = outbox[outbox.length - 1];
    if (last === undefined || last[0] !== exchange.id) post(exchange, "alive");
  }

  // ---- server-sent events -----------------------------------------------------------------------------------------

  const TEXT_START = /"parts"\s*:\s*\[\s*"/g;

  /** Where the JSON string that `from` lies in ends: the index of its closing quote, or -1. */
  function closingQuote(json, from) {
    for (let at = json.indexOf('"', from); at !== -1; at = json.indexOf('"', at + 1)) {
      let backslashes = 0;
      while (at - backslashes > from && json[at - 1 - backslashes] === "\\") backslashes += 1;
      if (backslashes % 2 === 0) return at;
    }
    return -1;
  }

  /**
   * Cuts a stream of text into server-sent events (WHATWG HTML, 9.2.6) and reduces each to what is new in it.
   *
   * The site repeats the whole text so far in each event. Of an event that differs from the one before only by more text in
   * `parts[0]`, and perhaps in what comes behind it, the difference alone is passed on, as it stands in the JSON:
   *
   *   "new"                        the event before with this much more text
   *   ["new", "tail"]              the same, with another end behind the text
   *   {type, head, text, tail}     a whole event, in three pieces around its text
   *   {type, data}                 a whole event that has no such text
   *   {type, data, unended}        the last event of a body that ended in the middle of it
   *
   * The pieces add up to the server's own bytes: nothing is lost, whatever the JSON holds.
   */
  class EventReader {
    constructor(exchange) {
      this.exchange = exchange;
      this.rest = ""; // a line not yet ended
      this.afterCR = false; // the text so far ended in CR: an LF that follows belongs to it
      this.data = null;
      this.type = "";
      this.before = null; // of the event before: {type, data, start, end, tail}
      this.last = false; // [DONE] has been seen
    }

    feed(text) {
      if (this.afterCR && text.length > 0) {
        if (text[0] === "\n") text = text.slice(1);
        this.afterCR = false;
      }
      const lines = this.rest + text;
      let at = lines.indexOf("\r") === -1 ? this.feedLF(lines) : this.feedAny(lines);
      this.rest = lines.slice(at);
    }

    feedLF(lines) {
      let at = 0;
      for (let end = lines.indexOf("\n"); end !== -1; end = lines.indexOf("\n", at)) {
        this.line(lines, at, end);
        at = end + 1;
      }
      return at;
    }

    feedAny(lines) {
      const ends = /\r\n|\r|\n/g;
      let at = 0;
      for (let end = ends.exec(lines); end !== null; end = ends.exec(lines)) {
        this.line(lines, at, end.index);
        at = ends.lastIndex;
        if (at === lines.length && end[0] === "\r") this.afterCR = true;
      }
      return at;
    }

    /** The body is over. A last event that lacks its empty line is passed on as such: it may be whole, or cut. */
    end() {
      if (this.rest !== "") this.line(this.rest, 0, this.rest.length);
      this.rest = "";
      const { data, type } = this;
      if (data && !this.last) postEvent(this.exchange, { type, data, unended: "yes" }, data.length);
      this.data = null;
    }

    line(text, from, to) {
      if (from === to) return this.dispatch();
      const colon = text.charCodeAt(from) === 100 && text.startsWith("data:", from) ? from + 4 : text.indexOf(":", from);
      if (colon === from) return postAlive(this.exchange);
      const fieldEnd = colon === -1 || colon > to ? to : colon;
      let valueAt = Math.min(fieldEnd + 1, to);
      if (valueAt < to && text.charCodeAt(valueAt) === 32) valueAt += 1;
      const field = text.slice(from, fieldEnd);
      const value = text.slice(valueAt, to);
      if (field === "data") this.data = this.data === null ? value : `${this.data}\n${value}`;
      else if (field === "event") this.type = value;
    }

    dispatch() {
      const { data, type } = this;
      this.data = null;
      this.type = "";
      if (data === null) return;
      if (data === "") return postAlive(this.exchange);
      if (this.last) return; // nothing is said after the last word
      this.last = data === "[DONE]";
      const event = this.grown(type, data) ?? this.whole(type, data);
      postEvent(this.exchange, event, typeof event === "string" ? event.length : data.length);
    }

    /** The event as a difference from the one before, or null where it is more than that. */
    grown(type, data) {
      const before = this.before;
      if (before === null || before.type !== type) return null;
      // Comparing two slices runs at the speed of memcmp; startsWith() takes twenty times as long.
      if (data.slice(0, before.end) !== before.data.slice(0, before.end)) return null;
      const end = closingQuote(data, before.end);
      if (end === -1) return null;
      const fresh = data.slice(before.end, end);
      const tail = data.slice(end);
      const sameTail = tail === before.tail;
      this.before = { type, data, start: before.start, end, tail: sameTail ? before.tail : tail };
      return sameTail ? fresh : [fresh, tail];
    }

    whole(type, data) {
      this.before = null;
      TEXT_START.lastIndex = 0;
      const start = TEXT_START.test(data) ? TEXT_START.lastIndex : -1;
      const end = start === -1 ? -1 : closingQuote(data, start);
      if (end === -1) return { type, data };
      const tail = data.slice(end);
      this.before = { type, data, start, end, tail };
      return { type, head: data.slice(0, start), text: data.slice(start, end), tail };
    }
  }

  // ---- exchanges: one request and its answer ----------------------------------------------------------------------

  class Exchange {
    constructor(id) {
      this.id = id;
      this.controller = new AbortController();
      this.owed = 0; // characters posted that the other end has not taken yet
      this.resume = null;
      this.answered = false; // the head has come
      this.unwanted = false; // the other end has lost interest
      this.opened = null; // what resolves its `open`, until that has been done
    }

    /** Have `open` give this. */
    say(text) {
      this.opened?.(text);
      this.opened = null;
    }

    async run(request) {
      let phase = "head";
      try {
        const response = await fetch(request.url, {
          method: request.method,
          headers: request.headers,
          ...bodyOf(request),
          cache: "no-store",
          credentials: "same-origin",
          redirect: "manual",
          signal: this.controller.signal,
        });
        phase = "body";
        this.answered = true;
        if (this.unwanted) this.controller.abort();
        this.head(response);
        await this.read(response, request.stream && response.ok && isEvents(response));
        post(this, "end");
      } catch (error) {
        post(this, "error", phase, String(error?.name), String(error?.message));
      } finally {
        push();
        this.say(null);
        clearTimeout(this.lingering);
        if (exchanges.get(this.id) === this) exchanges.delete(this.id);
      }
    }

    head(response) {
      post(this, "head", {
        status: response.status,
        statusText: response.statusText,
        headers: Object.fromEntries(response.headers),
        redirected: response.type === "opaqueredirect",
        bytesRead,
      });
      // A head alone tells a caller little: it waits a moment for the first event to travel with it.
      if (timer === null) timer = setTimeout(push, PUSH_INTERVAL);
    }

    async read(response, asEvents) {
      if (response.body === null) return;
      const utf8 = new Utf8();
      const events = asEvents ? new EventReader(this) : null;
      const reader = response.body.getReader();
      const take = (text) => {
        if (events !== null) events.feed(text);
        else if (text !== "") this.text(text);
      };
      for (;;) {
        const { done, value } = await reader.read();
        if (!done) bytesRead += value.length;
        utf8.decode(value, done, take);
        if (done) break;
        if (events?.last) this.linger();
        settle();
        if (this.owed > WINDOW_CHARS) await this.room();
      }
      events?.end();
    }

    text(text) {
      account(this, text.length);
      post(this, "text", text, text.length);
    }

    /** The last word is said: the other end has no more ear for this one. The rest of the body is read for its connection. */
    linger() {
      if (this.lingering !== undefined) return;
      push();
      exchanges.delete(this.id);
      this.lingering = setTimeout(() => this.controller.abort(), LINGER);
    }

    room() {
      push();
      return new Promise((resolve, reject) => {
        this.resume = resolve;
        this.controller.signal.addEventListener("abort", () => reject(this.controller.signal.reason), { once: true });
      });
    }

    /**
     * End the request. Chromium 156 loses one that is aborted while its head is on the way from the network to the page: it
     * stays open, and nobody can end it any more. So an answer that is about to come is awaited, and ended as one.
     */
    abort() {
      this.unwanted = true;
      if (this.answered) this.controller.abort();
      else setTimeout(() => this.controller.abort(), ABORT_DELAY);
    }

    grant(chars) {
      this.owed -= chars;
      if (this.resume === null || this.owed > WINDOW_CHARS / 2) return;
      this.resume();
      this.resume = null;
    }
  }

  /**
   * A message is sent once. Where a connection that was used before closes without a word, Chromium itself sends a request
   * again, whatever its method; a body that is a stream keeps it from that. Only HTTP/2 and 3 take one: over HTTP/1.1 no
   * connection is used twice instead.
   */
  function bodyOf(request) {
    if (!request.stream || !/^h[23]/.test(protocol)) return { body: request.body };
    return { body: new Response(request.body).body, duplex: "half" };
  }

  function isEvents(response) {
    return !/\b(json|html)\b/i.test(response.headers.get("content-type") ?? "");
  }

  /** A body's one decoder. Of a chunk that is damaged it gives what stands before the damage, then fails. */
  class Utf8 {
    constructor() {
      this.decoder = new TextDecoder("utf-8", { fatal: true });
      this.last = new Uint8Array(0); // the last three bytes so far: a character may have begun in them
    }

    decode(value, done, take) {
      let text;
      try {
        text = done ? this.decoder.decode() : this.decoder.decode(value, { stream: true });
      } catch {
        take(this.beforeDamage(value ?? new Uint8Array(0)));
        throw new DOMException("the body is not valid UTF-8", "EncodingError");
      }
      if (!done) this.last = joined(this.last, value.subarray(-3)).subarray(-3);
      take(text);
    }

    beforeDamage(value) {
      const bytes = joined(begun(this.last), value);
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
      return text.slice(0, Math.max(0, text.indexOf("\ufffd")));
    }
  }

  function joined(one, other) {
    const bytes = new Uint8Array(one.length + other.length);
    bytes.set(one);
    bytes.set(other, one.length);
    return bytes;
  }

  /** The bytes at the end that are the beginning of a character. */
  function begun(bytes) {
    for (let back = 1; back <= bytes.length; back += 1) {
      const byte = bytes[bytes.length - back];
      if (byte < 0x80) break;
      if (byte < 0xc0) continue; // it goes on a character
      const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
      return length > back ? bytes.subarray(bytes.length - back) : bytes.subarray(0, 0);
    }
    return bytes.subarray(0, 0);
  }

  return {
    open(id, request) {
      const exchange = new Exchange(id);
      exchanges.set(id, exchange);
      return new Promise((resolve) => {
        exchange.opened = resolve;
        exchange.run(request);
      });
    },
    abort(id) {
      const exchange = exchanges.get(id);
      exchanges.delete(id);
      exchange?.say(null);
      exchange?.abort();
    },
    grant(id, chars) {
      exchanges.get(id)?.grant(chars);
    },
    /** How many exchanges are open: for tests. */
    openCount() {
      return exchanges.size;
    },
    /** Never answers: whoever waits for it learns when this world is gone, whatever took it away. */
    lifetime() {
      return forever;
    },
    /**
     * Make this document, if it is of that origin, a place to send from: the protocol that it came by ("h2", "http/1.1",
     * or "" where that isn't known), else null. An answer that puts its document into a sandbox has no origin. What the
     * document says (it may be the session itself) is nobody's to read. One that was answered from here came by no
     * protocol: then `known` is that of the document before.
     */
    settle(origin, known) {
      if (globalThis.origin !== origin) return null;
      document.documentElement?.replaceChildren();
      protocol = known || (performance.getEntriesByType("navigation")[0]?.nextHopProtocol ?? "");
      return protocol;
    },
  };
})()
