/** The rest of a reply after a hand-off, after a break, or after a JSON response. */

import * as api from "./api.js";

/** The HTTP statuses after which the page requests the rest again. */
const RETRIED = [408, 409, 425, 429, 502, 504];
/** Limit for the number of requests, and the first and the longest pause between two requests, in milliseconds. */
const [MAX_TRIES, FIRST_PAUSE, MAX_PAUSE] = [12, 300, 5000];

/** Wait `ms` milliseconds. Reject if the signal aborts. */
const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    setTimeout(resolve, ms);
  });

/** Read the response of a request. Return without an error if the connection breaks. */
async function readBody(response, reply, signal) {
  try {
    await reply.read(response);
  } catch (error) {
    if (signal.aborted || !(error instanceof TypeError)) throw error;
  }
}

/** Request the rest of a reply until it is complete: at most 12 times, 300 ms to 5 s apart. */
async function resume(reply, signal, firstPause) {
  let wait = firstPause;
  for (let tries = 0; tries < MAX_TRIES && !reply.isDone; tries += 1) {
    if (wait) await pause(wait, signal);
    wait = Math.min((wait || FIRST_PAUSE) * 1.5, MAX_PAUSE);
    const body = { conversation_id: reply.conversation, offset: reply.offset };
    const response = await api.resume(body, reply.token, signal).catch((error) => {
      if (signal.aborted) throw error;
    });
    if (response?.ok) await readBody(response, reply, signal);
    else if (response && !RETRIED.includes(response.status)) throw new Error("Resume stream unavailable");
  }
}

let socket = null;
let commands = 0;

/** Return an open socket. Without a URL, use the previous socket if it is open, because one socket serves all topics. */
async function openSocket(url) {
  if (!url && socket?.readyState === WebSocket.OPEN) return socket;
  socket = new WebSocket(url ?? (await api.socketUrl()));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("close", () => reject(new Error("The connection was closed.")), { once: true });
  });
  return socket;
}

/** Call `onMessage` with each message of the socket until `onMessage` returns true, the socket closes, or the signal aborts. */
function receive(open, onMessage, signal) {
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const end = (finish) => (value) => {
      controller.abort();
      finish(value);
    };
    const options = { signal: controller.signal };
    open.addEventListener("close", end(() => reject(new Error("The connection was closed."))), options);
    signal.addEventListener("abort", end(() => reject(signal.reason)), options);
    open.addEventListener(
      "message",
      ({ data }) => {
        if ([JSON.parse(data)].flat().some(onMessage)) end(resolve)();
      },
      options,
    );
  });
}

const send = (open, command) => open.send(JSON.stringify([{ id: (commands += 1), command }]));

/** Subscribe to a topic, and read the rest of a reply from its items. */
async function followTopic(reply, topic, signal) {
  const open = await openSocket();
  const take = ({ payload }) => reply.takeText(payload.payload.encoded_item);
  const onMessage = (message) => {
    if (message.topic_id === topic) take(message);
    if (message.reply?.topic_id === topic) message.reply.catchups?.forEach(take);
    return reply.isDone || message.reply?.type === "error";
  };
  const done = receive(open, onMessage, signal);
  send(open, { type: "subscribe", topic_id: topic, offset: "0" });
  try {
    await done;
  } finally {
    if (open.readyState === WebSocket.OPEN) send(open, { type: "unsubscribe", topic_id: topic });
  }
}

/** Read a reply that a JSON response announces. The bytes of the reply come over a WebSocket, in base64. */
async function followDocument(reply, { wss_url, response_id }, signal) {
  if (new URL(wss_url).host !== location.host) return;
  const opened = await openSocket(wss_url);
  const onMessage = ({ data }) => {
    if (data?.response_id === response_id) reply.takeText(atob(data.body));
    return reply.isDone;
  };
  await receive(opened, onMessage, signal);
}

/** Read the response to a message. If the rest of the reply comes outside the response, read the rest too. */
export async function readReply(response, reply, signal) {
  if (response.headers.get("content-type").includes("json")) return followDocument(reply, await response.json(), signal);
  await readBody(response, reply, signal);
  if (!reply.isDone && reply.token) await resume(reply, signal, FIRST_PAUSE);
  if (reply.handoff === null) return;
  const { handoff } = reply;
  reply.isDone = false;
  const topic = handoff.options.find(({ type }) => type === "subscribe_ws_topic");
  if (topic) await followTopic(reply, topic.topic_id, signal);
  else await resume(reply, signal, 0);
}
