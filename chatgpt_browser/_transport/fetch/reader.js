/**
 * A reader of server-sent events (WHATWG HTML, 9.2.6) that reduces each event to its new part. This script runs before page.js in the
 * isolated world. It sends no requests and no pushes.
 *
 * The events of the site are repetitive. An event contains the whole text so far, or it is a delta that differs from the previous delta
 * only in its text. Therefore the bytes of an event are compared with the previous event's bytes as they arrive. Equal bytes before
 * the new text are skipped: they are neither decoded nor stored. The new part is passed on in the same form as in the JSON, with its
 * escapes. An event is reduced to one of these forms:
 *
 *   "new"                        the previous event, with "new" appended to its text
 *   ["new", "tail"]              the previous event, with "new" appended to its text, and with "tail" as the bytes after the text
 *   ["text"]                     the previous event, with its text replaced by "text"
 *   {type, head, text, tail}     a whole event: its text, the part before the text (head) and the part after the text (tail)
 *   {type, data}                 a whole event without a text
 *   {type, data, unended}        the last event of a body, if no empty line ended this event
 *
 * The data of each event can be restored exactly from these forms.
 */
globalThis.chatgptBrowserReader = (() => {
  "use strict";

  const LF = 10;
  const CR = 13;
  const QUOTE = 34;
  const BACKSLASH = 92;
  const READ_BYTES = 1 << 16; // size of the read buffer, which fits easily into a processor's cache
  const QUICK_READS = 16; // number of consecutive quick reads after which a read may be delayed
  const READ_DELAY = 1; // the delay in ms; a read that takes less time than this is quick
  const APPLY_BYTES = 1 << 13; // maximum number of bytes that one call gets as arguments
  const MICROTASKS = 4; // if the data of a read has already arrived, the read settles within fewer microtasks than this

  // ---- bytes ------------------------------------------------------------------------------------------------------

  let spare = null; // the buffer of a body that has ended, for reuse

  /**
   * A reader of a body, which uses the same buffer for all reads. So the result of a read is valid only until the next read.
   *
   * If a read is waiting, each piece that arrives from the network wakes the page. Waking the page costs more than reading the piece.
   * Therefore the next read is delayed if many pieces have arrived in quick succession and no further piece has arrived yet. Several
   * pieces can then arrive during the delay, and the page wakes only once.
   *
   * The number of reads cannot be reduced. From the first read on, Chromium itself receives the data and stores each piece separately.
   * So each piece needs a separate read, however late the read is: measured on Chromium 150, and visible in Chromium's source
   * (BufferingBytesConsumer). Chromium does this for all responses except those with `no-store`. Over HTTP/2, the pieces are large.
   */
  class BodyReader {
    constructor(body) {
      this.buffer = spare ?? new ArrayBuffer(READ_BYTES);
      spare = null;
      this.quickReads = 0; // number of reads since the last read that was not quick
      try {
        this.reader = body.getReader({ mode: "byob" });
      } catch {
        this.reader = body.getReader(); // the body is not a byte stream, so it cannot fill our buffer
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

  /** Return whether the data of a read has already arrived. If so, the promise of the read settles within a few microtasks. */
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
   * Compare the bytes of `view` from `at` on with the bytes of `other` from `otherAt` on. Return the number of equal bytes before the
   * first difference, at most `length`. Sixteen bytes are compared at a time, because most bytes are equal.
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

  /** Return the index of the quote that ends the JSON string around the index `from`, or -1. `json` is UTF-8 bytes or a string. */
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

  /** Return the index of the line's end if the bytes are exactly one line and an empty line, otherwise -1. */
  function onlyLineEnd(bytes) {
    const lf = bytes.indexOf(LF);
    const end = bytes[lf - 1] === CR ? lf - 1 : lf;
    const cr = bytes.indexOf(CR);
    const emptyLine = bytes.length - lf - 1;
    return emptyLine <= 2 && (cr === -1 || cr >= end) ? end : -1;
  }

  /** Decode bytes and return the text. Throw an EncodingError if they are not valid UTF-8. */
  function decode(decoder, bytes, options) {
    try {
      return decoder.decode(bytes, options);
    } catch {
      throw new DOMException("the body is not valid UTF-8", "EncodingError");
    }
  }

  /** Return the text before the first invalid byte of `bytes`. `last` contains the bytes that were decoded directly before `bytes`. */
  function validPrefix(last, bytes) {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    decoder.decode(last.subarray(last.findIndex((byte) => byte < 0x80 || byte >= 0xc0)), { stream: true });
    const text = decoder.decode(bytes, { stream: true });
    const invalid = text.indexOf("\ufffd");
    return invalid === -1 ? text : text.slice(0, invalid);
  }

  // ---- texts ------------------------------------------------------------------------------------------------------

  const TEXT_START = /"parts"\s*:\s*\[\s*"/g;
  // The start of a delta with a text. The value of the delta is the text, or a patch with one operation that has the text as value.
  const FIELD = String.raw`\s*"[cpo]"\s*:\s*(?:"[^"\\]*"|\d+)\s*`;
  const DELTA_START = new RegExp(String.raw`^\{(?:${FIELD},)*\s*"v"\s*:\s*(?:\[\s*\{(?:${FIELD},)*\s*"v"\s*:\s*)?"`, "g");
  const DELTA_TAIL = new RegExp(String.raw`^"(?:\s*,${FIELD})*\s*\}(?:\s*\]\s*(?:,${FIELD})*\})?$`);

  /**
   * Find the text in an event's data. The next event will probably differ only in this text. Return {start, end, grows}, or null if no
   * text was found. `grows` is true if the next event will probably contain this text with more text appended.
   */
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

  /** The parser that the standard describes. It parses line by line, and gets all bytes that cannot be skipped. */
  class LineReader {
    constructor(sink) {
      this.sink = sink;
      this.rest = ""; // an incomplete line
      this.afterCR = false; // true if the last text ended with CR: an LF at the start of the next text belongs to the same line end
      this.data = null;
      this.type = "";
      this.done = false; // true after [DONE] has been read
      // Describes the events that were read since the caller last set `event` to undefined. undefined: no event. {text, tail, grows}:
      // exactly one event, with a text. null: one event without a text, or several events.
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

    /** Handle the end of the body. If no empty line followed the last event, mark the event as unended: it may be incomplete. */
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
   * A reader of a body that is not an event stream. It calls `sink.text(text)` for each piece of text. If `fatal` is true, invalid
   * UTF-8 is an error. If `fatal` is false, which is used for error responses, invalid bytes are replaced.
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

  /** A reader of the body of a download. It calls `sink.bytes(base64)` for each piece. */
  class BytesReader {
    constructor(sink) {
      this.sink = sink;
      this.done = false;
    }

    feed(bytes) {
      if (bytes.length > 0) this.sink.bytes(toBase64(bytes));
    }

    end() {}
  }

  /** Return bytes in Base64. Chromium has `toBase64` since version 140. */
  function toBase64(bytes) {
    if (bytes.toBase64 !== undefined) return bytes.toBase64();
    let text = "";
    for (let at = 0; at < bytes.length; at += APPLY_BYTES) {
      text += String.fromCharCode.apply(null, bytes.subarray(at, at + APPLY_BYTES));
    }
    return btoa(text);
  }

  // ---- events -----------------------------------------------------------------------------------------------------

  // The states of an event.
  const MATCHING = 0; // the bytes of the event so far are equal to those of the previous event
  const SKIPPED = 1; // all bytes before the new text were equal, and the bytes after them are collected
  const PLAIN = 2; // the event differs from the previous event, and the line reader parses it

  /**
   * A reader that splits a stream of bytes into events. It calls `sink.event(reduced, chars)` for each event, and `sink.alive()` for a
   * comment or an empty event. `done` is true after [DONE].
   *
   *   PLAIN --(event ends, and its bytes are kept)--> MATCHING --(equal up to the new text)--> SKIPPED --(event ends)--> MATCHING
   *   MATCHING --(a byte differs)--> PLAIN            SKIPPED --(not only the text and the tail are new)--> PLAIN
   */
  class EventReader {
    constructor(sink) {
      this.sink = sink;
      this.lines = new LineReader(sink);
      this.decoder = new TextDecoder("utf-8", { fatal: true });
      this.last3 = new Uint8Array(0); // the last three decoded bytes, which may contain the start of an incomplete character
      this.piece = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // for separate pieces of text
      this.encoder = new TextEncoder();
      this.state = PLAIN;
      this.known = new Bytes(); // the bytes of the previous event up to the point where the next event will probably differ
      this.tail = new Uint8Array(0); // the bytes of the previous event from the end of its text to the end of the event
      this.grows = false; // true if the next event's text will probably be the previous event's text with more text appended
      this.matched = 0; // bytes of this event that are equal to `known`
      this.raw = new Bytes(); // bytes of this event: in the state PLAIN all bytes, otherwise only the bytes after `known`
      this.afterLine = ""; // "\n" or "\n\r" if the bytes so far end with it: an empty line may end the event next; otherwise ""
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

    /** Handle the first byte that differs. If a line has just ended, this byte may end the event, so `afterLine` is set here. */
    differ() {
      this.parseSkipped();
      const { array, length } = this.raw;
      if (array[length - 1] === LF) this.afterLine = "\n";
      else if (array[length - 1] === CR && array[length - 2] === LF) this.afterLine = "\n\r";
    }

    /** Parse the bytes of this event that were skipped or collected, and continue in the state PLAIN. */
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

    /** Drop the bytes of an event whose lines end with CR alone. `eventEnd` does not find the end of such an event. */
    forget() {
      this.raw.length = 0;
      this.lines.event = null;
    }

    /** Return the index after the empty line that ends this event, or -1 if the empty line has not arrived yet. */
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

    /**
     * Pass on the new text, and a new tail, of an event that began like the previous event. Return false, and pass on nothing, if the
     * event cannot be reduced to a new text and a new tail.
     */
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

    /** Keep the bytes of an event that was parsed completely, so that the next event can be compared with them. */
    remember() {
      const { event } = this.lines;
      this.lines.event = undefined;
      if (event === undefined) return; // only a comment was read: the next event is compared with the same event as before
      this.known.length = 0;
      if (event === null) return;

      const { raw } = this;
      let end = raw.length;
      while (raw.array[end - 1] === LF || raw.array[end - 1] === CR) end -= 1;
      const tail = this.encoder.encode(event.tail);
      const textEnd = end - tail.length;
      if (textEnd < 0 || !areSame(raw.slice(textEnd, end), tail)) return; // the line with the text is not the last line of the event
      this.tail = raw.slice(textEnd).slice();
      [this.raw, this.known] = [this.known, raw];
      raw.length = event.grows ? textEnd : textEnd - this.encoder.encode(event.text).length;
      this.grows = event.grows;
    }
  }

  return { BodyReader, BytesReader, EventReader, TextReader };
})();
