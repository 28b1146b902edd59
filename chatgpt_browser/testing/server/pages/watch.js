// The script of the watch page. Each item of the event stream replaces the item with the same kind and ID.

const kinds = { server: new Map(), request: new Map(), conversation: new Map(), fault: new Map() };
const rows = new Map();
const shownRequests = 300;
let server = null;
let chosen = null;

const byId = (id) => document.getElementById(id);

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function showEmptyNote(name, isEmpty) {
  document.querySelector(`.empty[data-for="${name}"]`).hidden = !isEmpty;
}

// ---- the stream

function update(items) {
  const info = items.find((item) => item.kind === "server");
  if (info && server !== null && info.id !== server) {
    // Another server now uses this port: discard the items of the previous server.
    reset();
  }
  server = info ? info.id : server;
  for (const item of items) {
    kinds[item.kind].set(item.id, item);
  }
  if (items.some((item) => item.kind === "conversation") && byId("follow").checked) {
    chosen = items.filter((item) => item.kind === "conversation").at(-1).id;
  }
  draw(items);
}

function reset() {
  Object.values(kinds).forEach((items) => items.clear());
  rows.forEach((row) => row.remove());
  rows.clear();
  chosen = null;
}

function showState(state, text) {
  byId("state").dataset.state = state;
  byId("state").textContent = text;
}

const source = new EventSource("/__watch/events");
source.addEventListener("open", () => showState("live", "live"));
source.addEventListener("error", () => showState("ended", "the server has stopped"));
source.addEventListener("message", (event) => update(JSON.parse(event.data)));

// ---- drawing

function draw(items) {
  drawFigures();
  for (const item of items) {
    if (item.kind === "request") {
      drawRequest(item);
    }
  }
  showEmptyNote("requests", kinds.request.size === 0);
  drawConversations();
  drawTranscript();
  drawFaults();
}

function drawFigures() {
  const [info] = kinds.server.values();
  byId("origin").textContent = info.origin;
  byId("figure-requests").textContent = info.requests;
  byId("figure-answering").textContent = info.answering;
  byId("figure-conversations").textContent = kinds.conversation.size;
  byId("figure-struck").textContent = [...kinds.fault.values()].reduce((sum, fault) => sum + fault.struck, 0);
}

function nameOf(conversation) {
  const first = conversation.messages.find((message) => message.role === "user");
  return conversation.title === "New chat" && first?.text.trim() ? first.text : conversation.title;
}

function isLive(conversation) {
  return [...kinds.request.values()].some(
    (request) => request.conversation === conversation.id && request.state === "answering",
  );
}

function drawConversations() {
  const list = byId("conversations");
  const buttons = new Map([...list.querySelectorAll("button")].map((button) => [button.dataset.id, button]));
  for (const conversation of kinds.conversation.values()) {
    let button = buttons.get(conversation.id);
    if (!button) {
      button = make("button", "");
      button.type = "button";
      button.dataset.id = conversation.id;
      button.append(make("span", "name"), make("span", "sub"));
      button.addEventListener("click", () => choose(conversation.id));
      button.addEventListener("keydown", moveChoice);
      const item = make("li", "");
      item.append(button);
      list.prepend(item);
    }
    buttons.delete(conversation.id);
    const [name, sub] = button.children;
    name.textContent = nameOf(conversation);
    const count = conversation.earlier + conversation.messages.length;
    const notes = conversation.deleted ? ", deleted" : "";
    sub.textContent = `${count} message${count === 1 ? "" : "s"}${notes}`;
    if (isLive(conversation)) {
      sub.append(" · ", make("span", "live", "answering"));
    }
    button.setAttribute("aria-current", String(conversation.id === chosen));
    // Tab reaches only the chosen conversation; the arrow keys reach the others.
    button.tabIndex = conversation.id === chosen ? 0 : -1;
  }
  buttons.forEach((button) => button.parentElement.remove());
  showEmptyNote("conversation", kinds.conversation.size === 0);
  showEmptyNote("conversations", kinds.conversation.size === 0);
}

function choose(id) {
  chosen = id;
  byId("follow").checked = false;
  drawConversations();
  drawTranscript();
}

/** Choose another conversation with the arrow keys, Home or End. */
function moveChoice(event) {
  const buttons = [...byId("conversations").querySelectorAll("button")];
  const index = buttons.indexOf(event.currentTarget);
  const targets = {
    ArrowDown: index + 1,
    ArrowRight: index + 1,
    ArrowUp: index - 1,
    ArrowLeft: index - 1,
    Home: 0,
    End: buttons.length - 1,
  };
  const target = buttons[targets[event.key]];
  if (target) {
    event.preventDefault();
    target.focus();
    choose(target.dataset.id);
  }
}

async function copyAsTest() {
  const response = await fetch(`/__watch/test/${encodeURIComponent(chosen)}`);
  const source = await response.text();
  byId("source").textContent = source;
  byId("test").showModal();
  try {
    await navigator.clipboard.writeText(source);
    byId("copied").textContent = "It was copied to the clipboard.";
  } catch {
    byId("copied").textContent = "Select the text to copy it.";
  }
}

byId("copy").addEventListener("click", copyAsTest);

function drawTranscript() {
  const transcript = byId("transcript");
  const conversation = kinds.conversation.get(chosen);
  byId("title").textContent = conversation ? nameOf(conversation).slice(0, 120) : "Conversation";
  byId("conversation-id").textContent = conversation ? conversation.id : "";
  byId("copy").hidden = !conversation;
  const atEnd = transcript.scrollHeight - transcript.scrollTop - transcript.clientHeight < 40;
  const live = conversation && isLive(conversation);
  const messages = conversation ? conversation.messages : [];
  const drawn = new Map([...transcript.querySelectorAll(".message")].map((element) => [element.dataset.id, element]));
  transcript.querySelector(".earlier")?.remove();

  for (const [index, message] of messages.entries()) {
    const element = drawn.get(message.id) ?? newMessage(message);
    drawn.delete(message.id);
    const text = message.cut ? `…${message.text}` : message.text;
    if (element.lastChild.textContent !== text) {
      element.lastChild.textContent = text;
    }
    const growing = live && index === messages.length - 1 && message.role === "assistant";
    element.classList.toggle("live", Boolean(growing));
    if (transcript.children[index] !== element) {
      transcript.insertBefore(element, transcript.children[index] ?? null);
    }
  }
  drawn.forEach((element) => element.remove());
  if (conversation?.earlier) {
    transcript.prepend(make("p", "earlier", `${conversation.earlier} earlier messages are not shown`));
  }
  if (atEnd) {
    transcript.scrollTop = transcript.scrollHeight;
  }
}

function newMessage(message) {
  const element = make("article", `message ${message.role}`);
  element.dataset.id = message.id;
  element.append(make("div", "role", message.role), make("div", "text"));
  return element;
}

function drawFaults() {
  const list = byId("faults");
  list.replaceChildren(
    ...[...kinds.fault.values()].reverse().map((fault) => {
      const item = make("li", fault.left === 0 ? "spent" : "");
      const left = fault.left === null ? "no limit" : fault.left === 0 ? "ended" : `${fault.left} left`;
      item.append(make("span", "count", `struck ${fault.struck} · ${left}`), make("span", "fault", fault.name));
      item.append(described(fault.description));
      if (fault.last) {
        item.append(described(`Last struck: \`${fault.last}\``));
      }
      return item;
    }),
  );
  showEmptyNote("faults", kinds.fault.size === 0);
}

/** Return an element with a description; text between backticks becomes code. */
function described(text) {
  const element = make("span", "what");
  element.append(...text.split("`").map((part, index) => (index % 2 ? make("code", "", part) : part)));
  return element;
}

function drawRequest(request) {
  const row = rows.get(request.id) ?? newRow(request);
  const [, what, status, took] = row.children;
  what.querySelector(".note").replaceChildren(...notesOf(request));
  const kind = request.status === null ? "odd" : request.status < 400 ? "ok" : "bad";
  status.replaceChildren(make("span", `status ${kind}`, request.status ?? (request.state === "answering" ? "…" : "none")));
  took.textContent = request.ms === null ? "…" : `${request.ms < 10 ? request.ms.toFixed(1) : request.ms.toFixed(0)} ms`;
}

function notesOf(request) {
  const notes = [];
  if (request.fault) {
    notes.push(make("span", "fault", request.fault));
  }
  if (request.rule) {
    notes.push(make("code", "rule", request.rule));
  }
  if (request.events) {
    notes.push(make("span", "", `${request.fault ? " " : ""}${request.events} events`));
  }
  const ends = { left: "client disconnected", broken: "connection broken" };
  if (ends[request.state]) {
    notes.push(make("span", "status odd", `${notes.length ? " · " : ""}${ends[request.state]}`));
  }
  return notes;
}

function newRow(request) {
  const row = document.createElement("tr");
  const what = make("td", "");
  what.append(make("span", "method", request.method), " ", make("span", "path", request.path), make("span", "note"));
  const time = make("time", "", new Date(request.clock).toLocaleTimeString([], { hourCycle: "h23" }));
  time.dateTime = new Date(request.clock).toISOString();
  time.title = `${request.at.toFixed(3)} s after the start of the server`;
  const when = make("td", "");
  when.append(time);
  row.append(when, what, make("td", ""), make("td", ""));
  byId("requests").prepend(row);
  rows.set(request.id, row);
  if (rows.size > shownRequests) {
    const [oldest] = rows.keys();
    rows.get(oldest).remove();
    rows.delete(oldest);
    kinds.request.delete(oldest);
  }
  return row;
}
