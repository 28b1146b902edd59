/**
 * The page's half of the client, behind reader.js. It runs in an isolated world: the site's own scripts can neither see it nor patch the
 * `fetch`, `JSON` and `TextDecoder` that it uses. It keeps no secret: a request's headers live as long as the request.
 *
 * It makes an object `chatgptBrowser` with `open`, `abort` and `grant`. What it has to say goes out in pushes: JSON lists of a push's
 * number (1, 2, ...) and frames. The first push of an exchange is what its `open` gives in the end, which spares both sides an
 * event (null where others have taken all of its frames along); all else goes through the binding `chatgptBrowserDeliver`. Either
 * way may overtake the other: hence the numbers. A frame is [exchange, kind, ...]:
 *
 *   [id, "head", {status, statusText, headers, redirected, bytesRead}]   the answer has begun; bytesRead: of all bodies so far
 *   [id, "events", [...], n]     events of a stream, in the forms that reader.js makes
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

  const { BodyReader, EventReader, TextReader } = globalThis.chatgptBrowserReader;
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

  /** Nobody is served: what the replies before have used up is not held against the next one. */
  function startAfresh() {
    allowance = PUSHES_AT_ONCE;
    interval = PUSH_INTERVAL;
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
      const reader = new BodyReader(response.body);
      const events = asEvents ? new EventReader(this) : new TextReader(this, { fatal: response.ok });
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        bytesRead += value.length;
        events.feed(value);
        if (events.last) this.linger();
        settle();
        if (this.owed > WINDOW_CHARS) await this.room();
      }
      events.end();
    }

    // ---- what the readers find

    event(event, chars) {
      postEvent(this, event, chars);
    }

    alive() {
      postAlive(this);
    }

    text(text) {
      if (text === "") return;
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

  globalThis.chatgptBrowser = {
    open(id, request) {
      if (exchanges.size === 0) startAfresh();
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
      const clear = () => document.documentElement?.replaceChildren();
      clear();
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", clear, { once: true });
      protocol = known || (performance.getEntriesByType("navigation")[0]?.nextHopProtocol ?? "");
      return protocol;
    },
  };
})()
