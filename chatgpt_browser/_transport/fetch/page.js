/**
 * The part of the client that sends requests with `fetch`. It runs after reader.js in an isolated world: the site's own scripts can
 * neither access this world nor patch the `fetch`, `JSON` and `TextDecoder` that it uses. It stores no secret: the headers of a
 * request are kept only while the request is in flight.
 *
 * The script creates the object `chatgptBrowser` with the methods `open`, `abort` and `grant`. An exchange is one request and its
 * response. Results leave the page in pushes: JSON arrays of the push's number (1, 2, ...) and frames. The first push of an exchange is
 * the result of `open`, which saves both sides an event. (The result is null if other pushes have already taken all of the exchange's
 * frames.) All other pushes go through the binding `chatgptBrowserDeliver`. Pushes on one way may overtake those on the other, so the
 * receiver orders them by their numbers. A frame is [exchange, kind, ...]:
 *
 *   [id, "head", {status, statusText, headers, redirected, bytesRead}]   status and headers; bytesRead: of all bodies so far
 *   [id, "events", [...], n]     events of an event stream, in the reduced forms of reader.js
 *   [id, "text", "...", n]       a piece of any other body
 *   [id, "alive"]                a comment or an empty event: no data, but it restarts the idle timer
 *   [id, "end"]                  the body has ended
 *   [id, "error", phase, name, message]    the request failed before ("head") or after ("body") the head
 *
 * n is the number of characters that the frame takes of the exchange's window. `grant` returns them when the frame has been read.
 *
 * The page decides only when the HTTP body is over: it ends, it fails, or an event stream contains the event [DONE]. After [DONE] no
 * more frames are sent for the exchange, not even "end". The Python class ResponseStream decides whether the message is over.
 */
(() => {
  "use strict";

  const PUSHES_AT_ONCE = 4; // pushes that are sent without delay, before they are spaced out
  const PUSH_INTERVAL = 4; // ms between pushes after that: under load a push costs about 0.3 ms in the Python process
  const LONGEST_INTERVAL = 16; // ms between pushes under lasting load
  const PUSH_CHARS = 1 << 18; // size at which the outbox is sent at once
  const WINDOW_CHARS = 1 << 22; // characters sent but not yet read at which reading pauses, so that the server has to wait
  const ABORT_DELAY = 50; // ms between an abort before the head and the abort of the fetch
  const LINGER = 2000; // ms that a body may continue after [DONE], so that its connection can be reused

  const { BodyReader, EventReader, TextReader } = globalThis.chatgptBrowserReader;
  const exchanges = new Map();
  let bytesRead = 0;
  let protocol = ""; // that transferred the document: "h2", "http/1.1"; "" if unknown
  const forever = new Promise(() => {});

  // ---- the outbox, shared by all exchanges ------------------------------------------------------------------------

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

  /** Reset the rate limit. Called when no exchange is open, so that earlier replies do not delay the next one. */
  function resetRateLimit() {
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
    else opening.resolveOpen(text);
  }

  /** Send the outbox after a delay, and increase the next delay. */
  function pushDelayed() {
    interval = Math.min(interval * 2, LONGEST_INTERVAL);
    push();
  }

  /** Send the outbox now if it is full or the rate limit allows it, otherwise after the interval. */
  function pushOrSchedule() {
    if (outbox.length === 0) return;
    if (outboxChars >= PUSH_CHARS || mayPush()) push();
    else if (timer === null) timer = setTimeout(pushDelayed, interval);
  }

  function post(exchange, kind, ...rest) {
    if (exchanges.get(exchange.id) === exchange) outbox.push([exchange.id, kind, ...rest]);
  }

  /** Add to the exchange's unread characters, and to the size of the outbox. */
  function countChars(exchange, chars) {
    exchange.unread += chars;
    outboxChars += chars;
  }

  function postEvent(exchange, event, chars) {
    countChars(exchange, chars);
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

  // ---- exchanges: a request and its response ----------------------------------------------------------------------

  class Exchange {
    constructor(id) {
      this.id = id;
      this.controller = new AbortController();
      this.unread = 0; // characters posted that the Python side has not read yet
      this.resume = null; // resolves the pause of reading, if reading is paused
      this.hasHead = false;
      this.aborted = false; // by the Python side
      this.opened = null; // resolves the promise of `open`; null after that
    }

    /** Resolve the promise of `open`, if it is still pending. */
    resolveOpen(text) {
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
        this.hasHead = true;
        if (this.aborted) this.controller.abort();
        this.postHead(response);
        await this.read(response, request.stream && response.ok && isEventStream(response));
        post(this, "end");
      } catch (error) {
        post(this, "error", phase, String(error?.name), String(error?.message));
      } finally {
        push();
        this.resolveOpen(null);
        clearTimeout(this.lingering);
        if (exchanges.get(this.id) === this) exchanges.delete(this.id);
      }
    }

    postHead(response) {
      post(this, "head", {
        status: response.status,
        statusText: response.statusText,
        headers: Object.fromEntries(response.headers),
        redirected: response.type === "opaqueredirect",
        bytesRead,
      });
      // The head waits a moment for the first event, so that both are sent in one push.
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
        if (events.done) this.linger();
        pushOrSchedule();
        if (this.unread > WINDOW_CHARS) await this.windowOpen();
      }
      events.end();
    }

    // ---- sink of the readers

    event(event, chars) {
      postEvent(this, event, chars);
    }

    alive() {
      postAlive(this);
    }

    text(text) {
      if (text === "") return;
      countChars(this, text.length);
      post(this, "text", text, text.length);
    }

    /** [DONE] has come: send what is there, then read the rest of the body, only so that the connection can be reused. */
    linger() {
      if (this.lingering !== undefined) return;
      push();
      exchanges.delete(this.id);
      this.lingering = setTimeout(() => this.controller.abort(), LINGER);
    }

    /** Wait until the Python side has read half of the window. */
    windowOpen() {
      push();
      return new Promise((resolve, reject) => {
        this.resume = resolve;
        this.controller.signal.addEventListener("abort", () => reject(this.controller.signal.reason), { once: true });
      });
    }

    /**
     * Abort the request. Chromium 156 loses a request that is aborted while its head is in transit from the network process to the
     * page: the request stays open and cannot be aborted any more. So before the head, the abort is delayed, and if the head arrives
     * meanwhile, the body is aborted instead.
     */
    abort() {
      this.aborted = true;
      if (this.hasHead) this.controller.abort();
      else setTimeout(() => this.controller.abort(), ABORT_DELAY);
    }

    grant(chars) {
      this.unread -= chars;
      if (this.resume === null || this.unread > WINDOW_CHARS / 2) return;
      this.resume();
      this.resume = null;
    }
  }

  /**
   * Return the options of the request's body. A message must be sent only once, but Chromium itself sends a request again, with any
   * method, if a reused connection closes without a response. A body that is a stream prevents this. Only HTTP/2 and HTTP/3 accept a
   * stream; over HTTP/1.1 the Python side prevents the reuse of connections instead.
   */
  function bodyOf(request) {
    if (!request.stream || !/^h[23]/.test(protocol)) return { body: request.body };
    return { body: new Response(request.body).body, duplex: "half" };
  }

  /** Return whether the body is an event stream, which means: neither JSON nor HTML. */
  function isEventStream(response) {
    return !/\b(json|html)\b/i.test(response.headers.get("content-type") ?? "");
  }

  globalThis.chatgptBrowser = {
    open(id, request) {
      if (exchanges.size === 0) resetRateLimit();
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
      exchange?.resolveOpen(null);
      exchange?.abort();
    },
    grant(id, chars) {
      exchanges.get(id)?.grant(chars);
    },
    /** Return the number of open exchanges. For tests. */
    openCount() {
      return exchanges.size;
    },
    /** Return a promise that never resolves. A call that awaits it fails when this world ends, for any reason. */
    lifetime() {
      return forever;
    },
    /**
     * Prepare this document for requests. Return the protocol that transferred it ("h2", "http/1.1", or "" if unknown), or null if
     * the document does not belong to the origin: a document in a sandbox has no origin. The content of the document is removed,
     * because it may be the session itself. No response has transferred a document that was intercepted; `known` is the protocol of
     * the document before it.
     */
    prepareDocument(origin, known) {
      if (globalThis.origin !== origin) return null;
      const clear = () => document.documentElement?.replaceChildren();
      clear();
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", clear, { once: true });
      protocol = known || (performance.getEntriesByType("navigation")[0]?.nextHopProtocol ?? "");
      return protocol;
    },
  };
})()
