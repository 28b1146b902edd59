/**
 * Bodies in, server-sent events out (WHATWG HTML, 9.2.6), each reduced to what is new in it. It runs in our isolated world, in front
 * of page.js, and knows nothing of requests or pushes.
 *
 * The site repeats itself: each event holds the whole text so far, or a delta that differs from the one before in its text alone.
 * So the bytes of an event are compared with those of the one before as they come; what is the same up to the text is skipped, and
 * neither decoded nor kept. Of the rest, what is new is passed on, as it stands in the JSON:
 *
 *   "new"                        the event before with this much more text
 *   ["new", "tail"]              the same, with another end behind the text
 *   ["text"]                     the event before with this text in place of its own
 *   {type, head, text, tail}     a whole event, in three pieces around its text
 *   {type, data}                 a whole event that has no such text
 *   {type, data, unended}        the last event of a body that ended in the middle of it
 *
 * The pieces add up to the server's own bytes: nothing is lost, whatever the JSON holds.
 */
globalThis.chatgptBrowserReader = (() => {
  "use strict";

  const LF = 10;
  const CR = 13;
  const QUOTE = 34;
  const BACKSLASH = 92;
  const READ_BYTES = 1 << 16; // as much as a processor's cache holds easily
  const QUICK_ONES = 16; // after so many quick reads
  const MOMENT = 1; // a body is given so many ms
  const TURNS = 4; // of the microtask queue: more than a read needs that can be settled at once

  // ---- bytes ------------------------------------------------------------------------------------------------------

  let spare = null; // the buffer of a body that is over

  /**
   * A body, read through one buffer: what one read gives is good until the next.
   *
   * Each piece that the network brings wakes up the page, and to be woken costs more than to read. So where many have come in quick
   * succession and no more is here, the next is given a moment in which others come, too.
   *
   * That is as much as can be had. From the first read on, Chromium takes in whatever comes by itself, and keeps it in the pieces that
   * it came in, each of which is a read of its own, however late: measured on Chromium 150, and so in its source (its
   * BufferingBytesConsumer). An answer alone that says `no-store` is left to its reader; over HTTP/2 the pieces are large.
   */
  class BodyReader {
    constructor(body) {
      this.buffer = spare ?? new ArrayBuffer(READ_BYTES);
      spare = null;
      this.quickOnes = 0; // reads since it last had to be waited for
      try {
        this.reader = body.getReader({ mode: "byob" });
      } catch {
        this.reader = body.getReader(); // a body that brings buffers of its own takes no notice of ours
      }
    }

    /** {done, value}: value is a Uint8Array. */
    async read() {
      const reading = this.reader.read(new Uint8Array(this.buffer));
      if (this.quickOnes >= QUICK_ONES && !(await isHere(reading))) await moment();
      const asked = performance.now();
      const { done, value } = await reading;
      this.quickOnes = performance.now() - asked < MOMENT ? this.quickOnes + 1 : 0;
      if (value !== undefined) this.buffer = value.buffer;
      if (done) spare = this.buffer;
      return { done, value };
    }
  }

  /** Whether a read has been settled by what has come already: that takes no more than a few turns. */
  async function isHere(reading) {
    let here = false;
    const settled = () => (here = true);
    reading.then(settled, settled);
    for (let turn = 0; turn < TURNS && !here; turn += 1) await null;
    return here;
  }

  function moment() {
    return new Promise((resolve) => setTimeout(resolve, MOMENT));
  }

  /** Bytes that grow in place. */
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

  /** How many bytes are the same, of at most `length`, from `at` and from `otherAt` on. Sixteen at a time: most of them are. */
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

  /** Where the JSON string that `from` lies in ends: the index of its closing quote, or -1. In UTF-8, and in UTF-16 alike. */
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

  /** Where the one line ends that, with an empty one behind it, is all that there is; -1 where there is more. */
  function onlyLineEnd(bytes) {
    const lf = bytes.indexOf(LF);
    const end = bytes[lf - 1] === CR ? lf - 1 : lf;
    const cr = bytes.indexOf(CR);
    const emptyLine = bytes.length - lf - 1;
    return emptyLine <= 2 && (cr === -1 || cr >= end) ? end : -1;
  }

  function decoded(decoder, bytes, options) {
    try {
      return decoder.decode(bytes, options);
    } catch {
      throw new DOMException("the body is not valid UTF-8", "EncodingError");
    }
  }

  /** The text that stands before the damage in bytes that could not be decoded; `last` are those before them. */
  function intact(last, bytes) {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    decoder.decode(last.subarray(last.findIndex((byte) => byte < 0x80 || byte >= 0xc0)), { stream: true });
    const text = decoder.decode(bytes, { stream: true });
    const damage = text.indexOf("\ufffd");
    return damage === -1 ? text : text.slice(0, damage);
  }

  // ---- texts ------------------------------------------------------------------------------------------------------

  const TEXT_START = /"parts"\s*:\s*\[\s*"/g;
  // A delta with a text, alone or as the one change of a patch.
  const FIELD = String.raw`\s*"[cpo]"\s*:\s*(?:"[^"\\]*"|\d+)\s*`;
  const DELTA_START = new RegExp(String.raw`^\{(?:${FIELD},)*\s*"v"\s*:\s*(?:\[\s*\{(?:${FIELD},)*\s*"v"\s*:\s*)?"`, "g");
  const DELTA_TAIL = new RegExp(String.raw`^"(?:\s*,${FIELD})*\s*\}(?:\s*\]\s*(?:,${FIELD})*\})?$`);

  /** Where the text of an event lies that the next one is likely to differ in: {start, end, grows}, or null. */
  function textIn(data) {
    for (const [beginning, grows] of [
      [TEXT_START, true],
      [DELTA_START, false],
    ]) {
      beginning.lastIndex = 0;
      if (!beginning.test(data)) continue;
      const start = beginning.lastIndex;
      const end = closingQuoteInText(data, start);
      if (end !== -1 && (grows || DELTA_TAIL.test(data.slice(end)))) return { start, end, grows };
    }
    return null;
  }

  /** Text in, events out, line by line: the standard's way, for whatever can't be skipped. */
  class LineReader {
    constructor(sink) {
      this.sink = sink;
      this.rest = ""; // a line not yet ended
      this.afterCR = false; // the text so far ended in CR: an LF that follows belongs to it
      this.data = null;
      this.type = "";
      this.last = false; // [DONE] has been seen
      this.event = undefined; // since it was taken: {text, tail, grows} of the one event; null: of no such text, or several
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

    /** The body is over. A last event that lacks its empty line is passed on as such: it may be whole, or cut. */
    end() {
      if (this.rest !== "") this.line(this.rest, 0, this.rest.length);
      this.rest = "";
      const { data, type } = this;
      if (data && !this.last) this.sink.event({ type, data, unended: "yes" }, data.length);
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
      if (this.last) return; // nothing is said after the last word
      this.last = data === "[DONE]";
      const place = textIn(data);
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
   * Of a body that is no stream of events: its text. `sink` is told of it: `text(text)`. What is no UTF-8 is an error where it is
   * `fatal`; of a refusal as much is read as can be.
   */
  class TextReader {
    constructor(sink, { fatal }) {
      this.sink = sink;
      this.decoder = new TextDecoder("utf-8", { fatal });
      this.last = false;
    }

    feed(bytes) {
      this.sink.text(decoded(this.decoder, bytes, { stream: true }));
    }

    end() {
      this.sink.text(decoded(this.decoder));
    }
  }

  // ---- events -----------------------------------------------------------------------------------------------------

  // An event's bytes are
  const MATCHING = 0; // compared with those of the one before: so far they are the same,
  const SKIPPED = 1; // or they were the same up to the text, and its rest is gathered,
  const PLAIN = 2; // or they are others, and go through the line reader.

  /**
   * Cuts a stream of bytes into events. `sink` is told of each: `event(reduced, chars)`, and `alive()` of a comment or an empty
   * event. `last` tells that [DONE] has been seen.
   */
  class EventReader {
    constructor(sink) {
      this.sink = sink;
      this.lines = new LineReader(sink);
      this.decoder = new TextDecoder("utf-8", { fatal: true });
      this.last3 = new Uint8Array(0); // the bytes decoded last: a character may have begun in them
      this.piece = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // for what is a whole by itself
      this.encoder = new TextEncoder();
      this.state = PLAIN;
      this.known = new Bytes(); // the event before, up to where the next one is likely to differ
      this.tail = new Uint8Array(0); // what followed its text, to the end of the event
      this.grows = false; // whether the next one's text is likely to go on where this one's ends
      this.matched = 0; // bytes of this event that are those of `known`
      this.raw = new Bytes(); // the bytes of this event: all of a plain one, else those behind `known`
      this.afterLine = ""; // what has been seen of an empty line: "", "\n" or "\n\r"
    }

    get last() {
      return this.lines.last;
    }

    feed(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = 0; at < bytes.length && !this.last; ) {
        at = this.state === MATCHING ? this.match(bytes, view, at) : this.gather(bytes, at);
      }
    }

    /** The body is over. */
    end() {
      if (!this.last) {
        if (this.state !== PLAIN) this.giveBack();
        this.lines.feed(decoded(this.decoder));
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

    /** It is another event than was expected. It may end where it differs: that is seen by what stands right before. */
    differ() {
      this.giveBack();
      const { array, length } = this.raw;
      if (array[length - 1] === LF) this.afterLine = "\n";
      else if (array[length - 1] === CR && array[length - 2] === LF) this.afterLine = "\n\r";
    }

    /** Read what was skipped of this event. */
    giveBack() {
      const gathered = this.raw.slice(0).slice();
      this.raw.length = 0;
      this.state = PLAIN;
      this.read(this.known.slice(0, this.matched));
      this.read(gathered);
    }

    read(bytes) {
      this.raw.append(bytes);
      try {
        this.lines.feed(decoded(this.decoder, bytes, { stream: true }));
      } catch (error) {
        this.lines.feed(intact(this.last3, bytes));
        throw error;
      }
      this.last3 = bytes.length < 3 ? Uint8Array.of(...this.last3, ...bytes).slice(-3) : bytes.slice(-3);
    }

    gather(bytes, at) {
      const end = this.eventEnd(bytes, at);
      const here = bytes.subarray(at, end === -1 ? bytes.length : end);
      if (this.state === PLAIN) this.read(here);
      else this.raw.append(here);
      if (end === -1) {
        if (this.lines.event !== undefined) this.forget();
        return bytes.length;
      }
      if (this.state === SKIPPED && !this.reduce()) this.giveBack();
      if (this.state === PLAIN) this.learn();
      this.raw.length = 0;
      this.matched = 0;
      this.state = this.known.length > 0 ? MATCHING : PLAIN;
      return end;
    }

    /** An event has ended, and its bytes have not, as we count: its lines end in CR alone. Nothing is learnt from these bytes. */
    forget() {
      this.raw.length = 0;
      this.lines.event = null;
    }

    /** The index behind the empty line that ends this event; -1 where that isn't here yet. */
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

    /** Pass on what is new in an event that began as the one before did; false where it is more than its text and its end. */
    reduce() {
      const rest = this.raw.slice(0);
      const lineEnd = onlyLineEnd(rest);
      const end = closingQuoteInBytes(rest);
      if (end === -1 || end > lineEnd) return false;
      const text = rest.subarray(0, end);
      const tail = rest.subarray(end);
      if (areSame(tail, this.tail)) {
        const fresh = decoded(this.piece, text);
        this.sink.event(this.grows ? fresh : [fresh], fresh.length);
      } else {
        if (!this.grows) return false;
        const [fresh, ended] = [decoded(this.piece, text), decoded(this.piece, rest.subarray(end, lineEnd))];
        this.sink.event([fresh, ended], fresh.length + ended.length);
        this.tail = tail.slice();
      }
      if (this.grows) this.known.append(text);
      return true;
    }

    /** Know an event that has been read whole, so that the next can be compared with it. */
    learn() {
      const { event } = this.lines;
      this.lines.event = undefined;
      if (event === undefined) return; // a comment: the event before is still the one before
      this.known.length = 0;
      if (event === null) return;

      const { raw } = this;
      let end = raw.length;
      while (raw.array[end - 1] === LF || raw.array[end - 1] === CR) end -= 1;
      const tail = this.encoder.encode(event.tail);
      const textEnd = end - tail.length;
      if (textEnd < 0 || !areSame(raw.slice(textEnd, end), tail)) return; // other lines follow the text's
      this.tail = raw.slice(textEnd).slice();
      [this.raw, this.known] = [this.known, raw];
      raw.length = event.grows ? textEnd : textEnd - this.encoder.encode(event.text).length;
      this.grows = event.grows;
    }
  }

  return { BodyReader, EventReader, TextReader };
})();
