/** The decoder of a reply's stream: server-sent events and deltas. */

const keysOf = (path) =>
  path
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));

/** Apply one delta and return the new root. A delta with the operation "patch" contains several deltas. */
function applyDelta(root, { p, o, v }) {
  if (o === "patch") return v.reduce((value, item) => applyDelta(value, item), root);
  if (p === "") return v;
  const keys = keysOf(p);
  const last = keys.pop();
  const holder = keys.reduce((value, key) => value[key], root);
  if (o === "remove") delete holder[last];
  else if (o !== "append") holder[last] = v;
  else if (typeof holder[last] === "string") holder[last] += v;
  else if (Array.isArray(holder[last])) holder[last].push(...[v].flat());
  else holder[last] = { ...holder[last], ...v };
  return root;
}

/**
 * Stores the current value of each channel. The number of a delta's channel is in its field `c`. If a delta lacks a field, the
 * field of the previous delta applies.
 */
export class Channels {
  #values = new Map();
  #last = { c: 0, p: "", o: "add" };

  /** Apply a delta, and return the new value of its channel. */
  apply(delta) {
    const { v, ...fields } = delta;
    this.#last = { ...this.#last, ...fields };
    const value = applyDelta(this.#values.get(this.#last.c), { ...this.#last, v });
    this.#values.set(this.#last.c, value);
    return value;
  }
}

/** Return the events of complete blocks: {type, data}. */
function parse(blocks) {
  const found = blocks.map((block) => {
    const lines = block.split(/\r\n|\n|\r/);
    const field = (name) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
    return { type: field("event")[0] ?? "", data: field("data").join("\n") };
  });
  return found.filter(({ data }) => data !== "");
}

/** Reader of one reply from one or more streams of events. */
export class Reply {
  #channels = new Channels();
  #onMessage;
  #rest = "";
  /** The number of events that were read. Resume tokens, the hand-off and the end are not counted. */
  offset = 0;
  token = null;
  conversation = null;
  handoff = null;
  isDone = false;

  /** `onMessage(message, conversationId)` is called for each change of a message. */
  constructor(onMessage) {
    this.#onMessage = onMessage;
  }

  /** Read the body of a response until the end of the reply. */
  async read(response) {
    this.#rest = "";
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    while (!this.isDone) {
      const { done, value } = await reader.read();
      if (done) return;
      this.takeText(value);
    }
  }

  /** Read a piece of a stream of events. */
  takeText(text) {
    const blocks = (this.#rest + text).split(/\r\n\r\n|\n\n|\r\r/);
    this.#rest = blocks.pop();
    for (const event of parse(blocks)) this.#take(event);
  }

  #take({ type, data }) {
    if (this.isDone) return;
    this.isDone = data === "[DONE]";
    if (this.isDone || !["", "message", "delta", "delta_encoding", "error"].includes(type)) return; // for example a ping
    const event = JSON.parse(data);
    if (event.type === "resume_conversation_token") [this.token, this.conversation] = [event.token, event.conversation_id];
    else if (event.type === "stream_handoff") [this.handoff, this.conversation] = [event, event.conversation_id];
    else if (type !== "delta_encoding" || this.offset === 0) this.offset += 1;
    const whole = type === "delta" ? this.#channels.apply(event) : event;
    if (whole.error) throw new Error(whole.error.message ?? whole.error);
    if (whole.message) this.#onMessage(whole.message, whole.conversation_id);
  }
}
