/** The page: the composer, the conversation, and the reply while it is streamed. */

import { conversationInAddress, setAddress, setFirstAddress } from "./address.js";
import * as api from "./api.js";
import * as composer from "./composer.js";
import * as controls from "./controls.js";
import { readReply } from "./continuation.js";
import { Reply } from "./deltas.js";
import { showChoiceInThread, showDialog } from "./dialogs.js";
import { replaceComposer } from "./layouts.js";
import * as uploads from "./uploads.js";
import { applyLayout, show } from "./view.js";

const $ = (id) => document.getElementById(id);
const usual = () => {
  const [form, editor, send, stop, alert] = ["composer", "prompt-textarea", "composer-submit-button", "stop-button", "alert"].map($);
  return { form, editor, send, stop, alert, show: (isRunning) => Object.assign(send, { hidden: isRunning }) && Object.assign(stop, { hidden: !isRunning }) };
};
const thread = $("thread");
const { dialog } = document.body.dataset;
let { form, editor, send, stop, alert, show: showButtons, layoutButtons = {} } = replaceComposer(document.body.dataset) ?? usual();
const position = {
  conversation: conversationInAddress(),
  parent: null,
  model: null,
  preparesLikeToday: ["2025", "2026"].includes(document.body.dataset.layout),
  query: document.body.dataset.layout === "crowded" ? "?from=composer" : "",
};
let running = null;

/** Return the text of the composer. `innerText` is not used, because it returns two lines for each empty line. */
function composerText() {
  if (editor instanceof HTMLTextAreaElement) return editor.value;
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

function clearEditor() {
  if (editor instanceof HTMLTextAreaElement) editor.value = "";
  else editor.replaceChildren();
}

function updateButtons() {
  const text = composerText();
  const isEmpty = text.trim() === "";
  send.disabled = isEmpty || composer.isTooLong(text, alert);
  if (isEmpty) clearEditor();
  showButtons(running !== null, isEmpty);
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

/** Load the conversation. The composer works during the load, but a message that is sent during the load has no parent. */
async function openConversation() {
  if (position.conversation === undefined) return;
  const { title, messages, newest, model } = await api.open(position.conversation);
  setAddress(position.conversation, { atEnd: true });
  position.parent = newest;
  position.model ??= document.body.dataset.ignoresModel === "" ? model : null;
  document.title = $("title").textContent = title;
  for (const message of messages) show(thread, message);
}

function showMessage(message, conversation) {
  if (message.author.role === "user") return;
  show(thread, message, { busy: true });
  position.parent = message.id;
  position.conversation = conversation;
  if (!controls.isTemporary()) setAddress(conversation, { atEnd: false });
}

/** Return the text of the message and the options of `api.send`. The options contain the attachments and the user's choices. */
function takeMessage(question) {
  const { fields, hints, text } = controls.takeFields(question);
  const { images, attachments } = uploads.describe(uploads.takeAttachments());
  const metadata = { ...(attachments && { attachments }), ...(hints.length && { system_hints: hints }) };
  if (document.body.dataset.ignoresModel !== "") delete fields.model;
  return [text, { ...position, images, metadata, fields }];
}

async function submit() {
  const question = composerText();
  if (running !== null || question.trim() === "" || uploads.isBusy()) return;
  running = new AbortController();
  alert.hidden = true;
  clearEditor();
  composer.noteEmptied();
  updateButtons();
  if (position.conversation === undefined && !controls.isTemporary()) setFirstAddress();
  show(thread, { id: "", author: { role: "user" }, content: { content_type: "text", parts: [question] } });
  try {
    const response = await api.send(...takeMessage(question), running.signal);
    await readReply(response, new Reply(showMessage), running.signal);
    if (dialog === "choice-in-thread") showChoiceInThread(thread);
    if (position.conversation !== undefined && !controls.isTemporary()) setAddress(position.conversation, { atEnd: true });
  } catch (error) {
    if (error.name !== "AbortError") showError(error);
  } finally {
    running = null;
    thread.querySelectorAll("[aria-busy]").forEach((message) => message.removeAttribute("aria-busy"));
    updateButtons();
    listConversations().catch(showError);
  }
}

// Before its hydration, the page does not react to input. The hydration empties the composer.
const { wakesAfter } = document.body.dataset;
if (wakesAfter !== "0") {
  await new Promise((resolve) => setTimeout(resolve, Number(wakesAfter)));
  clearEditor();
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
    composer.noteInput(composerText(), renderAnew, controls.noteWritten);
  });
  editor.addEventListener("paste", (event) => composer.paste(event, form));
  editor.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    submit();
  });
  stop.addEventListener("click", () => running?.abort());
}

/** Replace the elements of the composer with new elements. The new editor is empty. */
function renderAnew() {
  editor.replaceChildren();
  const box = form.querySelector(".box");
  const copy = box.cloneNode(true);
  box.replaceWith(copy);
  editor = copy.querySelector(".editor");
  [send, stop] = [".send", ".stop"].map((name) => copy.querySelector(name));
  showButtons = usual().show;
  layoutButtons = { plus: copy.querySelector("[data-testid=composer-plus-btn]"), picker: copy.querySelector("[aria-haspopup]:not([data-testid=composer-plus-btn])") };
  addControls();
  listen();
  updateButtons();
}

/** Add the file inputs, the "+" button and the model picker to the composer. */
function addControls() {
  if (document.body.dataset.layout === "2023") return;
  form.querySelectorAll("input[type=file]").forEach((input) => input.remove());
  const openFiles = uploads.addInputs(form, { context: controls.context, onChange: updateButtons, onError: showError });
  controls.addControls(form, layoutButtons, openFiles, () => signedIn.then(api.models));
}

const signedIn = api.signIn();
signedIn.catch(() => {});
addControls();
listen();
$("modal-close").addEventListener("click", () => $("modal").close());

applyLayout(document.body);
updateButtons();
if (dialog && dialog !== "choice-in-thread") showDialog(dialog);
try {
  $("who").textContent = (await signedIn).email;
  await Promise.all([listConversations(), openConversation()]);
} catch (error) {
  showError(error);
}
editor.focus();
