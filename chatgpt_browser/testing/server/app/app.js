/** The page: the composer, the conversation, and the reply while it is streamed. */

import * as api from "./api.js";
import * as composer from "./composer.js";
import { follow } from "./deltas.js";
import { applyLayout, show } from "./view.js";

const $ = (id) => document.getElementById(id);
const [thread, form, alert] = ["thread", "composer", "alert"].map($);
let [editor, send, stop] = ["prompt-textarea", "composer-submit-button", "stop-button"].map($);
const position = {
  conversation: location.pathname.match(/^\/c\/(.+)$/)?.[1],
  parent: null,
  model: new URLSearchParams(location.search).get("model"),
  query: document.body.dataset.layout === "crowded" ? "?from=composer" : "",
};
let running = null;

/** Return the text of the composer. Not `innerText`, which adds a line for each empty line. */
function composerText() {
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

function updateButtons() {
  send.hidden = running !== null;
  stop.hidden = running === null;
  const text = composerText();
  const isEmpty = text.trim() === "";
  send.disabled = isEmpty || composer.isTooLong(text, alert);
  if (isEmpty) editor.replaceChildren();
}

function showError(error) {
  alert.textContent = error.message;
  alert.hidden = false;
}

async function listConversations() {
  const links = (await api.conversations()).map(({ id, title }) => {
    const link = Object.assign(document.createElement("a"), { href: `/c/${id}`, textContent: title });
    if (id === position.conversation) link.setAttribute("aria-current", "page");
    const item = document.createElement("li");
    item.append(link);
    return item;
  });
  $("history").replaceChildren(...links);
}

/** Load the conversation. The composer works before that: a message that is sent too early has no parent message. */
async function openConversation() {
  if (position.conversation === undefined) return;
  const { title, messages, newest } = await api.open(position.conversation);
  position.parent = newest;
  document.title = $("title").textContent = title;
  for (const message of messages) show(thread, message);
}

function showMessage(message, conversation) {
  if (message.author.role === "user") return;
  show(thread, message, { busy: true });
  position.parent = message.id;
  if (position.conversation === conversation) return;
  position.conversation = conversation;
  history.pushState(null, "", `/c/${conversation}`);
}

async function submit() {
  const question = composerText();
  if (running !== null || question.trim() === "") return;
  running = new AbortController();
  alert.hidden = true;
  editor.replaceChildren();
  composer.noteEmptied();
  updateButtons();
  show(thread, { id: "", author: { role: "user" }, content: { content_type: "text", parts: [question] } });
  try {
    const response = await api.send(question, position, running.signal);
    await follow(response, showMessage);
  } catch (error) {
    if (error.name !== "AbortError") showError(error);
  } finally {
    running = null;
    thread.querySelectorAll("[aria-busy]").forEach((message) => message.removeAttribute("aria-busy"));
    updateButtons();
    listConversations().catch(showError);
  }
}

// Until the page is hydrated, it ignores input and then discards it.
const { wakesAfter } = document.body.dataset;
if (wakesAfter !== "0") {
  await new Promise((resolve) => setTimeout(resolve, Number(wakesAfter)));
  editor.replaceChildren();
}
composer.wake(form);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!composer.ignoresClick()) submit();
});

/** Attach the listeners of the editor and of the stop button. */
function listen() {
  editor.addEventListener("input", () => {
    updateButtons();
    composer.noteInput(composerText(), renderAnew);
  });
  editor.addEventListener("paste", (event) => composer.paste(event, form));
  editor.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    submit();
  });
  stop.addEventListener("click", () => running?.abort());
}

/** Replace the elements of the composer with new ones, without text. */
function renderAnew() {
  editor.replaceChildren();
  const box = form.querySelector(".box");
  const copy = box.cloneNode(true);
  box.replaceWith(copy);
  editor = copy.querySelector(".editor");
  [send, stop] = [".send", ".stop"].map((name) => copy.querySelector(name));
  listen();
  updateButtons();
}

listen();
$("modal-close").addEventListener("click", () => $("modal").close());

applyLayout(document.body);
try {
  $("who").textContent = (await api.signIn()).email;
  await Promise.all([listConversations(), openConversation()]);
} catch (error) {
  showError(error);
}
editor.focus();
