/**
 * The part of the client that sends requests with `fetch`. It runs after reader.js in an isolated world: the site's own scripts can
 * neither access this world nor patch the `fetch`, `JSON` and `TextDecoder` that it uses. It stores no secret: the headers of a
 * request are kept only while the request is in flight.
 *
 * The script creates the object `chatgptBrowser` with the methods `open`, `abort` and `grant`. An exchange is one request and its
 * response. Results leave the page in pushes. A push is a JSON array: first the number of the push (1, 2, ...), then frames. The first
 * push of an exchange is returned as the result of `open`, because a separate event would cost time on both sides. (The result is null
 * if earlier pushes, which belong to other exchanges, have already contained all frames of this exchange.) All other pushes are sent
 * through the binding `chatgptBrowserDeliver`. Results of `open` and calls of the binding may arrive in any order, so the receiver
 * orders the pushes by their numbers. A frame is [exchange, kind, ...]:
 *
 *   [id, "head", {status, statusText, headers, redirected, bytesRead}]   bytesRead: the bytes of all bodies of all exchanges so far
 *   [id, "events", [...], n]     events of an event stream, in the reduced forms that reader.js describes
 *   [id, "text", "...", n]       a piece of any other body
 *   [id, "bytes", "...", n]      a piece of the body of a download, in Base64
 *   [id, "alive"]                a comment or an empty event, which has no data, but restarts the idle timer
 *   [id, "end"]                  the body has ended
 *   [id, "error", phase, name, message]    the request failed; phase: "head" before the head arrived, "body" after that
 *
 * n is the number of characters in the frame. The page adds n to the unread characters of the exchange, whose number is limited (see
 * `WINDOW_CHARS`). After the Python side has read the frame, it calls `grant`, which subtracts n again.
 *
 * The page decides whether the HTTP body is over: the body has ended, reading the body has failed, or the event [DONE] has
 * arrived in an event stream. After [DONE], the page sends no more frames for the exchange, not even "end". The page does not
 * decide whether the message is over: the Python class ResponseStream does.
 */
(() => {
  "use strict";

  const PUSHES_AT_ONCE = 4; // number of pushes that are sent without delay before the rate limit applies
  const PUSH_INTERVAL = 4; // ms between pushes under the rate limit; under load, a push takes about 0.3 ms in the Python process
  const LONGEST_INTERVAL = 16; // maximum of this interval in ms, which is reached if the load continues
  const PUSH_CHARS = 1 << 18; // an outbox of this many characters is sent without delay
  const WINDOW_CHARS = 1 << 22; // if there are more unread characters, the page stops reading, so that the server must wait
  const ABORT_DELAY = 50; // ms from the call of `abort` to the abort of the fetch, if the head has not arrived
  const LINGER = 2000; // ms for which the rest of a body is read after [DONE], so that its connection can be reused

  const { BodyReader, BytesReader, EventReader, TextReader } = globalThis.chatgptBrowserReader;
  const exchanges = new Map();
  let bytesRead = 0;
  let protocol = ""; // the protocol over which the document was transferred: "h2", "http/1.1", or "" if it is unknown
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

  /** Reset the rate limit. Called if an exchange begins while no other is open, so that earlier replies do not delay its reply. */
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

  /** Send the outbox, and double the interval before the next delayed push. Called by the timer. */
  function pushDelayed() {
    interval = Math.min(interval * 2, LONGEST_INTERVAL);
    push();
  }

  /** Send the outbox if it is full or if the rate limit allows a push. Otherwise start a timer that sends it after the interval. */
  function pushOrSchedule() {
    if (outbox.length === 0) return;
    if (outboxChars >= PUSH_CHARS || mayPush()) push();
    else if (timer === null) timer = setTimeout(pushDelayed, interval);
  }

  function post(exchange, kind, ...rest) {
    if (exchanges.get(exchange.id) === exchange) outbox.push([exchange.id, kind, ...rest]);
  }

  /** Add a number of characters to the unread characters of the exchange and to the size of the outbox. */
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
      this.unread = 0; // number of posted characters that the Python side has not read yet
      this.resume = null; // a function that ends the pause of reading; null if reading is not paused
      this.hasHead = false;
      this.aborted = false; // true after the Python side has called `abort`
      this.opened = null; // a function that resolves the promise of `open`; null after the promise was resolved
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
          credentials: request.credentials,
          // A download must have the page's origin. Chromium checks this, too, because Chromium and Python may parse a URL differently.
          ...(request.download ? { mode: "same-origin", referrerPolicy: "no-referrer" } : {}),
          redirect: "manual",
          signal: this.controller.signal,
        });
        phase = "body";
        this.hasHead = true;
        if (this.aborted) this.controller.abort();
        this.postHead(response);
        await this.read(response, this.readerFor(request, response));
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
      // The push of the head is delayed, so that the head and the first event are usually sent in one push.
      if (timer === null) timer = setTimeout(push, PUSH_INTERVAL);
    }

    readerFor(request, response) {
      if (request.download && response.ok) return new BytesReader(this);
      if (request.stream && response.ok && isEventStream(response)) return new EventReader(this);
      return new TextReader(this, { fatal: response.ok });
    }

    async read(response, events) {
      if (response.body === null) return;
      const reader = new BodyReader(response.body);
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

    // ---- methods that the readers call (see `sink` in reader.js)

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

    bytes(base64) {
      countChars(this, base64.length);
      post(this, "bytes", base64, base64.length);
    }

    /** Handle [DONE]: send the outbox and close the exchange. The rest of the body is read, so that its connection can be reused. */
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
     * Abort the request. If the head is in transit from the network process to the page when a request is aborted, Chromium 156 loses
     * the request: it stays open and cannot be aborted any more. So if the head has not arrived, the abort is delayed. If the head
     * arrives during the delay, the request is aborted then.
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
   * Return the options of `fetch` that contain the request's body. A message must be sent only once. But if a reused connection closes
   * without a response, Chromium sends the request again, even a POST. Chromium cannot do this if the body is a stream. A stream
   * as the body works only over HTTP/2 and HTTP/3. Over HTTP/1.1, the Python side prevents the reuse of connections instead.
   */
  function bodyOf(request) {
    if (!request.stream || !/^h[23]/.test(protocol)) return { body: request.body };
    return { body: new Response(request.body).body, duplex: "half" };
  }

  /** Return whether the body is an event stream. Each body that is neither JSON nor HTML counts as an event stream. */
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
    /** Return a promise that never resolves. When this isolated world ends, for any reason, a call that awaits the promise fails. */
    lifetime() {
      return forever;
    },
    /**
     * Prepare this document for requests. Return the protocol over which the document was transferred ("h2", "http/1.1", or "" if it is
     * unknown). Return null if the document does not belong to the origin, for example because it is in a sandbox. The content of the
     * document is removed, because it may be the JSON of the session, which contains the access token. If this document was written by
     * an interceptor instead of transferred over the network, `known` is the protocol of the previous document.
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
