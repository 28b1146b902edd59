/** The page: its composer, its conversation, and what is shown of a reply while it comes. */

import * as api from "./api.js";
import { follow } from "./deltas.js";
import { dressUp, show } from "./view.js";

const $ = (id) => document.getElementById(id);
const [thread, form, editor, send, stop, alert] = ["thread", "composer", "prompt-textarea", "composer-submit-button", "stop-button", "alert"].map($);
const place = {
  conversation: location.pathname.match(/^\/c\/(.+)$/)?.[1],
  parent: null,
  model: new URLSearchParams(location.search).get("model"),
  query: document.body.dataset.layout === "crowded" ? "?from=composer" : "",
};
let running = null;

/** What is written, line by line: `innerText` has a line more for each that is empty. */
function text() {
  const lines = [""];
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE) lines[lines.length - 1] += node.data;
    else if (node.nodeName !== "BR") {
      if (node.previousSibling !== null && node !== editor) lines.push("");
      node.childNodes.forEach(visit);
    } else if (node.nextSibling !== null) lines.push("");
  };
  visit(editor);
  return lines.join("\n");
}

function refresh() {
  send.hidden = running !== null;
  stop.hidden = running === null;
  send.disabled = text().trim() === "";
  if (send.disabled) editor.replaceChildren();
}

function complain(error) {
  alert.textContent = error.message;
  alert.hidden = false;
}

async function listConversations() {
  const links = (await api.conversations()).map(({ id, title }) => {
    const link = Object.assign(document.createElement("a"), { href: `/c/${id}`, textContent: title });
    if (id === place.conversation) link.setAttribute("aria-current", "page");
    const item = document.createElement("li");
    item.append(link);
    return item;
  });
  $("history").replaceChildren(...links);
}

/** The composer is there before the conversation is: a message that is sent too early goes on from nothing. */
async function openConversation() {
  if (place.conversation === undefined) return;
  const { title, messages, newest } = await api.open(place.conversation);
  place.parent = newest;
  document.title = $("title").textContent = title;
  for (const message of messages) show(thread, message);
}

function arrive(message, conversation) {
  if (message.author.role === "user") return;
  show(thread, message, { busy: true });
  place.parent = message.id;
  if (place.conversation === conversation) return;
  place.conversation = conversation;
  history.pushState(null, "", `/c/${conversation}`);
}

async function submit() {
  const question = text();
  if (running !== null || question.trim() === "") return;
  running = new AbortController();
  alert.hidden = true;
  editor.replaceChildren();
  refresh();
  show(thread, { id: "", author: { role: "user" }, content: { content_type: "text", parts: [question] } });
  try {
    const response = await api.send(question, place, running.signal);
    await follow(response, arrive);
  } catch (error) {
    if (error.name !== "AbortError") complain(error);
  } finally {
    running = null;
    thread.querySelectorAll("[aria-busy]").forEach((turn) => turn.removeAttribute("aria-busy"));
    refresh();
    listConversations().catch(complain);
  }
}

const { wakesAfter } = document.body.dataset;
if (wakesAfter !== "0") {
  await new Promise((resolve) => setTimeout(resolve, Number(wakesAfter)));
  editor.replaceChildren();
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
editor.addEventListener("input", refresh);
editor.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey) return;
  event.preventDefault();
  submit();
});
stop.addEventListener("click", () => running?.abort());
$("modal-close").addEventListener("click", () => $("modal").close());

dressUp(document.body);
try {
  $("who").textContent = (await api.signIn()).email;
  await Promise.all([listConversations(), openConversation()]);
} catch (error) {
  complain(error);
}
editor.focus();
