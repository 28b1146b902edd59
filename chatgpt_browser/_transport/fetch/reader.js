/**
 * A reader of server-sent events (WHATWG HTML, 9.2.6) that reduces each event to what is new in it. It runs in the isolated world,
 * before page.js, and does not depend on requests or pushes.
 *
 * The site repeats itself: each event contains the whole text so far, or a delta that differs from the previous one only in its text.
 * Therefore the bytes of an event are compared with those of the previous event as they arrive. Bytes that are equal, up to the text,
 * are skipped: they are neither decoded nor stored. The new part of the event is passed on exactly as it is in the JSON:
 *
 *   "new"                        the previous event with this much more text
 *   ["new", "tail"]              the same, with another end after the text
 *   ["text"]                     the previous event with its text replaced by this one
 *   {type, head, text, tail}     a whole event, split into three parts around its text
 *   {type, data}                 a whole event without such a text
 *   {type, data, unended}        the last event of a body that ended in the middle of the event
 *
 * The parts add up to the bytes that the server sent, for any JSON, so that nothing is lost.
 */
globalThis.chatgptBrowserReader = (() => {
  "use strict";

  const LF = 10;
  const CR = 13;
  const QUOTE = 34;
  const BACKSLASH = 92;
  const READ_BYTES = 1 << 16; // fits easily into the cache of a processor
  const QUICK_READS = 16; // consecutive quick reads after which reading is delayed
  const READ_DELAY = 1; // ms
  const MICROTASKS = 4; // more than a read needs if its data has already arrived

  // ---- bytes ------------------------------------------------------------------------------------------------------

  let spare = null; // the buffer of a body that has ended

  /**
   * A body that is read through one buffer: the result of a read is valid until the next read.
   *
   * Each piece that arrives from the network wakes the page, which costs more than to read the piece. Therefore, if many pieces have
   * arrived in quick succession and no further piece is there, the next read is delayed, so that several pieces wake the page once.
   *
   * More is not possible. From the first read on, Chromium itself receives the data and keeps the pieces as they arrived. Each piece
   * needs a separate read, however late the read is: measured on Chromium 150, and visible in its source (BufferingBytesConsumer).
   * Chromium does this for all responses except those with `no-store`. Over HTTP/2 the pieces are large.
   */
  class BodyReader {
    constructor(body) {
      this.buffer = spare ?? new ArrayBuffer(READ_BYTES);
      spare = null;
      this.quickReads = 0; // reads since the last one that had to wait
      try {
        this.reader = body.getReader({ mode: "byob" });
      } catch {
        this.reader = body.getReader(); // a stream that is not a byte stream does not fill our buffer
      }
    }

    /** Read the next piece. Return {done, value}; value is a Uint8Array. */
    async read() {
      const reading = this.reader.read(new Uint8Array(this.buffer));
      if (this.quickReads >= QUICK_READS && !(await isSettled(reading))) await delay();
      const startedAt = performance.now();
      const { done, value } = await reading;
      this.quickReads = performance.now() - startedAt < READ_DELAY ? this.quickReads + 1 : 0;
      if (value !== undefined) this.buffer = value.buffer;
      if (done) spare = this.buffer;
      return { done, value };
    }
  }

  /** Return whether the data of a read has already arrived: then the read settles within a few microtasks. */
  async function isSettled(reading) {
    let settled = false;
    const settle = () => (settled = true);
    reading.then(settle, settle);
    for (let count = 0; count < MICROTASKS && !settled; count += 1) await null;
    return settled;
  }

  function delay() {
    return new Promise((resolve) => setTimeout(resolve, READ_DELAY));
  }

  /** A growing array of bytes. */
  class Bytes {
    constructor() {
      this.length = 0;
      this.reserve(1 << 10);
    }

    reserve(capacity) {
      const array = new Uint8Array(capacity);
      if (this.length > 0) array.set(this.array.subarray(0, this.length));
      this.array = array;
      this.view = new DataView(array.buffer);
    }

    append(bytes) {
      const length = this.length + bytes.length;
      if (length > this.array.length) this.reserve(Math.max(length, 2 * this.array.length));
      this.array.set(bytes, this.length);
      this.length = length;
    }

    slice(from, to = this.length) {
      return this.array.subarray(from, to);
    }
  }

  /**
   * Return how many bytes are equal, from `at` and from `otherAt` on, up to `length`. Sixteen bytes are compared at a time, because
   * most of them are equal.
   */
  function commonLength(view, at, other, otherAt, length) {
    let same = 0;
    const differsAt = (ahead) => view.getInt32(at + same + ahead, true) ^ other.getInt32(otherAt + same + ahead, true);
    while (same + 16 <= length && (differsAt(0) | differsAt(4) | differsAt(8) | differsAt(12)) === 0) same += 16;
    while (same < length && view.getUint8(at + same) === other.getUint8(otherAt + same)) same += 1;
    return same;
  }

  function areSame(bytes, others) {
    if (bytes.length !== others.length) return false;
    for (let at = 0; at < bytes.length; at += 1) if (bytes[at] !== others[at]) return false;
    return true;
  }

  /** Return the index of the quote that closes the JSON string around `from`, or -1. Works for UTF-8 bytes and for strings. */
  function closingQuote(json, from, quote, codeAt) {
    for (let at = json.indexOf(quote, from); at !== -1; at = json.indexOf(quote, at + 1)) {
      let backslashes = 0;
      while (at - backslashes > from && codeAt(json, at - 1 - backslashes) === BACKSLASH) backslashes += 1;
      if (backslashes % 2 === 0) return at;
    }
    return -1;
  }

  const closingQuoteInBytes = (bytes) => closingQuote(bytes, 0, QUOTE, (array, at) => array[at]);
  const closingQuoteInText = (text, from) => closingQuote(text, from, '"', (string, at) => string.charCodeAt(at));

  /** Return the end of the line if the bytes are exactly one line and an empty line, otherwise -1. */
  function onlyLineEnd(bytes) {
    const lf = bytes.indexOf(LF);
    const end = bytes[lf - 1] === CR ? lf - 1 : lf;
    const cr = bytes.indexOf(CR);
    const emptyLine = bytes.length - lf - 1;
    return emptyLine <= 2 && (cr === -1 || cr >= end) ? end : -1;
  }

  /** Decode bytes; invalid UTF-8 is an EncodingError. */
  function decode(decoder, bytes, options) {
    try {
      return decoder.decode(bytes, options);
    } catch {
      throw new DOMException("the body is not valid UTF-8", "EncodingError");
    }
  }

  /** Return the text before the first invalid byte of `bytes`. `last` are the bytes before them. */
  function validPrefix(last, bytes) {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    decoder.decode(last.subarray(last.findIndex((byte) => byte < 0x80 || byte >= 0xc0)), { stream: true });
    const text = decoder.decode(bytes, { stream: true });
    const invalid = text.indexOf("\ufffd");
    return invalid === -1 ? text : text.slice(0, invalid);
  }

  // ---- texts ------------------------------------------------------------------------------------------------------

  const TEXT_START = /"parts"\s*:\s*\[\s*"/g;
  // A delta that has a text, alone or as the only change of a patch.
  const FIELD = String.raw`\s*"[cpo]"\s*:\s*(?:"[^"\\]*"|\d+)\s*`;
  const DELTA_START = new RegExp(String.raw`^\{(?:${FIELD},)*\s*"v"\s*:\s*(?:\[\s*\{(?:${FIELD},)*\s*"v"\s*:\s*)?"`, "g");
  const DELTA_TAIL = new RegExp(String.raw`^"(?:\s*,${FIELD})*\s*\}(?:\s*\]\s*(?:,${FIELD})*\})?$`);

  /** Find the text of an event, which is probably the only difference of the next event. Return {start, end, grows}, or null. */
  function findText(data) {
    for (const [pattern, grows] of [
      [TEXT_START, true],
      [DELTA_START, false],
    ]) {
      pattern.lastIndex = 0;
      if (!pattern.test(data)) continue;
      const start = pattern.lastIndex;
      const end = closingQuoteInText(data, start);
      if (end !== -1 && (grows || DELTA_TAIL.test(data.slice(end)))) return { start, end, grows };
    }
    return null;
  }

  /** The standard's parser, line by line, for everything that cannot be skipped. */
  class LineReader {
    constructor(sink) {
      this.sink = sink;
      this.rest = ""; // an incomplete line
      this.afterCR = false; // the text so far ended in CR: an LF at the start of the next text belongs to it
      this.data = null;
      this.type = "";
      this.done = false; // [DONE] has been read
      // The events since the caller last reset this. undefined: none; {text, tail, grows}: one event with a text; null: one event
      // without a text, or several events.
      this.event = undefined;
    }

    feed(text) {
      if (this.afterCR && text.length > 0) {
        if (text[0] === "\n") text = text.slice(1);
        this.afterCR = false;
      }
      const lines = this.rest + text;
      const at = lines.indexOf("\r") === -1 ? this.feedLF(lines) : this.feedAny(lines);
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

    /** Handle the end of the body. A last event without its empty line is marked as unended: it may be complete, or cut. */
    end() {
      if (this.rest !== "") this.line(this.rest, 0, this.rest.length);
      this.rest = "";
      const { data, type } = this;
      if (data && !this.done) this.sink.event({ type, data, unended: "yes" }, data.length);
      this.data = null;
    }

    line(text, from, to) {
      if (from === to) return this.dispatch();
      const colon = text.charCodeAt(from) === 100 && text.startsWith("data:", from) ? from + 4 : text.indexOf(":", from);
      if (colon === from) return this.sink.alive();
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
      if (data === null || data === "") return this.sink.alive();
      if (this.done) return; // events after [DONE] are ignored
      this.done = data === "[DONE]";
      const place = findText(data);
      if (place === null) {
        this.event = null;
        this.sink.event({ type, data }, data.length);
        return;
      }
      const { start, end, grows } = place;
      const [text, tail] = [data.slice(start, end), data.slice(end)];
      this.event = this.event === undefined ? { text, tail, grows } : null;
      this.sink.event({ type, head: data.slice(0, start), text, tail }, data.length);
    }
  }

  /**
   * A reader of the text of a body that is not an event stream. It calls `sink.text(text)`. With `fatal`, invalid UTF-8 is an error;
   * without, which is for refusals, invalid bytes are replaced.
   */
  class TextReader {
    constructor(sink, { fatal }) {
      this.sink = sink;
      this.decoder = new TextDecoder("utf-8", { fatal });
      this.done = false;
    }

    feed(bytes) {
      this.sink.text(decode(this.decoder, bytes, { stream: true }));
    }

    end() {
      this.sink.text(decode(this.decoder));
    }
  }

  // ---- events -----------------------------------------------------------------------------------------------------

  // The states of an event.
  const MATCHING = 0; // its bytes so far are equal to those of the previous event
  const SKIPPED = 1; // it was equal up to the text, and the rest is collected
  const PLAIN = 2; // it is different, and the line reader parses it

  /**
   * A reader that splits a stream of bytes into events. It calls `sink.event(reduced, chars)` for each event, and `sink.alive()` for a
   * comment or an empty event. `done` is true after [DONE].
   *
   *   PLAIN --(event ends, its bytes are kept)--> MATCHING --(equal up to the text)--> SKIPPED --(event ends)--> MATCHING
   *   MATCHING --(a byte differs)--> PLAIN            SKIPPED --(more than text and tail are new)--> PLAIN
   */
  class EventReader {
    constructor(sink) {
      this.sink = sink;
      this.lines = new LineReader(sink);
      this.decoder = new TextDecoder("utf-8", { fatal: true });
      this.last3 = new Uint8Array(0); // the bytes decoded last, in which a character may have begun
      this.piece = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // for separate pieces of text
      this.encoder = new TextEncoder();
      this.state = PLAIN;
      this.known = new Bytes(); // the previous event, up to where the next one will probably differ
      this.tail = new Uint8Array(0); // the bytes after its text, to the end of the event
      this.grows = false; // whether the next event's text will probably continue this one's
      this.matched = 0; // bytes of this event that are equal to `known`
      this.raw = new Bytes(); // the bytes of this event: all of them in the state PLAIN, otherwise those after `known`
      this.afterLine = ""; // the part of an empty line that has been read: "", "\n" or "\n\r"
    }

    get done() {
      return this.lines.done;
    }

    feed(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = 0; at < bytes.length && !this.done; ) {
        at = this.state === MATCHING ? this.match(bytes, view, at) : this.collect(bytes, at);
      }
    }

    /** Handle the end of the body. */
    end() {
      if (!this.done) {
        if (this.state !== PLAIN) this.parseSkipped();
        this.lines.feed(decode(this.decoder));
      }
      this.lines.end();
    }

    match(bytes, view, at) {
      const { known } = this;
      const length = Math.min(known.length - this.matched, bytes.length - at);
      const same = commonLength(view, at, known.view, this.matched, length);
      this.matched += same;
      if (this.matched === known.length) this.state = SKIPPED;
      else if (same < length) this.differ();
      return at + same;
    }

    /** Handle the first byte that differs. The event may end there, which depends on the bytes directly before. */
    differ() {
      this.parseSkipped();
      const { array, length } = this.raw;
      if (array[length - 1] === LF) this.afterLine = "\n";
      else if (array[length - 1] === CR && array[length - 2] === LF) this.afterLine = "\n\r";
    }

    /** Parse the bytes of this event that were skipped. */
    parseSkipped() {
      const collected = this.raw.slice(0).slice();
      this.raw.length = 0;
      this.state = PLAIN;
      this.read(this.known.slice(0, this.matched));
      this.read(collected);
    }

    read(bytes) {
      this.raw.append(bytes);
      try {
        this.lines.feed(decode(this.decoder, bytes, { stream: true }));
      } catch (error) {
        this.lines.feed(validPrefix(this.last3, bytes));
        throw error;
      }
      this.last3 = bytes.length < 3 ? Uint8Array.of(...this.last3, ...bytes).slice(-3) : bytes.slice(-3);
    }

    collect(bytes, at) {
      const end = this.eventEnd(bytes, at);
      const here = bytes.subarray(at, end === -1 ? bytes.length : end);
      if (this.state === PLAIN) this.read(here);
      else this.raw.append(here);
      if (end === -1) {
        if (this.lines.event !== undefined) this.forget();
        return bytes.length;
      }
      if (this.state === SKIPPED && !this.reduce()) this.parseSkipped();
      if (this.state === PLAIN) this.remember();
      this.raw.length = 0;
      this.matched = 0;
      this.state = this.known.length > 0 ? MATCHING : PLAIN;
      return end;
    }

    /** Drop bytes that contain the end of an event which `eventEnd` does not find, because its lines end in CR alone. */
    forget() {
      this.raw.length = 0;
      this.lines.event = null;
    }

    /** Return the index after the empty line that ends this event, or -1 if it has not arrived yet. */
    eventEnd(bytes, at) {
      while (at < bytes.length) {
        if (this.afterLine === "") {
          at = bytes.indexOf(LF, at) + 1;
          if (at === 0) return -1;
          this.afterLine = "\n";
        } else if (bytes[at] === LF) {
          this.afterLine = "";
          return at + 1;
        } else if (bytes[at] === CR && this.afterLine === "\n") {
          this.afterLine = "\n\r";
          at += 1;
        } else {
          this.afterLine = "";
        }
      }
      return -1;
    }

    /** Pass on what is new in an event that began like the previous one. Return false if more than its text and tail are new. */
    reduce() {
      const rest = this.raw.slice(0);
      const lineEnd = onlyLineEnd(rest);
      const end = closingQuoteInBytes(rest);
      if (end === -1 || end > lineEnd) return false;
      const text = rest.subarray(0, end);
      const tail = rest.subarray(end);
      if (areSame(tail, this.tail)) {
        const fresh = decode(this.piece, text);
        this.sink.event(this.grows ? fresh : [fresh], fresh.length);
      } else {
        if (!this.grows) return false;
        const [fresh, ended] = [decode(this.piece, text), decode(this.piece, rest.subarray(end, lineEnd))];
        this.sink.event([fresh, ended], fresh.length + ended.length);
        this.tail = tail.slice();
      }
      if (this.grows) this.known.append(text);
      return true;
    }

    /** Keep an event that was parsed completely, so that the next event can be compared with it. */
    remember() {
      const { event } = this.lines;
      this.lines.event = undefined;
      if (event === undefined) return; // a comment: the previous event stays the one to compare with
      this.known.length = 0;
      if (event === null) return;

      const { raw } = this;
      let end = raw.length;
      while (raw.array[end - 1] === LF || raw.array[end - 1] === CR) end -= 1;
      const tail = this.encoder.encode(event.tail);
      const textEnd = end - tail.length;
      if (textEnd < 0 || !areSame(raw.slice(textEnd, end), tail)) return; // other lines follow the line of the text
      this.tail = raw.slice(textEnd).slice();
      [this.raw, this.known] = [this.known, raw];
      raw.length = event.grows ? textEnd : textEnd - this.encoder.encode(event.text).length;
      this.grows = event.grows;
    }
  }

  return { BodyReader, EventReader, TextReader };
})();
