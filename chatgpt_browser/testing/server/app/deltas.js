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

/** The current value for each number `c`. If a delta lacks a field, the field of the previous delta applies. */
export class Channels {
  #values = new Map();
  #last = { c: 0, p: "", o: "add" };

  /** Apply a delta, and return the new value for its number `c`. */
  apply(delta) {
    const { v, ...fields } = delta;
    this.#last = { ...this.#last, ...fields };
    const value = applyDelta(this.#values.get(this.#last.c), { ...this.#last, v });
    this.#values.set(this.#last.c, value);
    return value;
  }
}

/** Yield the events of a response as objects {type, data}. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r\n\r\n|\n\n|\r\r/);
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split(/\r\n|\n|\r/);
      const field = (name) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
      const data = field("data").join("\n");
      if (data !== "") yield { type: field("event")[0] ?? "", data };
    }
  }
}

/** Read a reply to its end. Call `onMessage(message, conversationId)` for each change of a message. */
export async function follow(response, onMessage) {
  const channels = new Channels();
  for await (const { type, data } of events(response)) {
    if (data === "[DONE]") return;
    if (!["", "message", "delta", "delta_encoding", "error"].includes(type)) continue; // a ping
    const event = JSON.parse(data);
    const whole = type === "delta" ? channels.apply(event) : event;
    if (whole.error) throw new Error(whole.error.message ?? whole.error);
    if (whole.message) onMessage(whole.message, whole.conversation_id);
  }
}
