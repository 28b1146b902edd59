/** Uploads files, as the site's page does (see `UploadOptions`). */

import * as api from "./api.js";
import { create } from "./layouts.js";

const options = JSON.parse(document.body.dataset.uploads);
const TOO_MANY = `You can attach at most ${options.max_files} files.`;
let attachments = [];

/** Return whether a file is being uploaded. As on the site, the page then ignores a click on the send button. */
export const isBusy = () => attachments.some(({ isDone }) => !isDone);

/** Return the attachments of the message, and remove them from the composer. */
export function takeAttachments() {
  const taken = attachments.filter(({ file }) => !options.dropped.includes(file.name));
  attachments.forEach(({ chip }) => chip?.remove());
  attachments = [];
  return taken;
}

async function sizeOf(file) {
  if (!file.type.startsWith("image/")) return {};
  const { width, height } = await createImageBitmap(file).catch(() => ({ width: 1, height: 1 }));
  return { width, height };
}

/** Send the bytes to the URL of the storage, or as a form to a URL of the site. */
async function store(url, file) {
  if (url.startsWith(location.origin)) {
    const form = new FormData();
    form.append("file", file);
    await api.postForm(new URL(url).pathname.replace("/backend-api/", ""), form);
    return;
  }
  const headers = { "x-ms-blob-type": "BlockBlob", "x-ms-version": "2020-04-08", "content-type": file.type || "application/octet-stream" };
  const response = await fetch(url, { method: "PUT", body: file, headers });
  if (!response.ok) throw new Error("Upload failed. Try again.");
}

/** Ask the site to process a file. Read the response, a stream of JSON lines, to its end. */
async function processFile(attachment, context) {
  const { file, id, useCase } = attachment;
  const body = {
    file_id: id,
    use_case: useCase,
    index_for_retrieval: useCase === "my_files",
    file_name: file.name,
    entry_surface: "chat_composer",
    metadata: { store_in_library: true, is_temporary_chat: context.isTemporary, is_project_thread: context.project !== null, gizmo_id: context.project },
  };
  const text = await api.postText("files/process_upload_stream", body);
  if (!options.requires_completion) return;
  const last = JSON.parse(text.trim().split("\n").at(-1));
  if (last.event !== "file.processing.completed") throw new Error(last.message);
}

async function upload(attachment, context) {
  const { file } = attachment;
  const isImage = file.type.startsWith("image/");
  attachment.useCase = isImage ? "multimodal" : "my_files";
  await new Promise((resolve) => setTimeout(resolve, options.starts_after * 1000));
  const body = { file_name: file.name, file_size: file.size, use_case: attachment.useCase, timezone_offset_min: 0, reset_rate_limits: false, mime_type: file.type };
  const { file_id: id, upload_url: url } = await api.postJson("files", body);
  attachment.id = id;
  Object.assign(attachment, await sizeOf(file));
  await store(url, file);
  if (options.order === "uploaded") await api.postJson(`files/${id}/uploaded`, {});
  await processFile(attachment, context);
}

function showChip(form, attachment) {
  const { name } = attachment.file;
  const remove = create("button", { type: "button", "aria-label": `Remove file ${attachments.length}: ${name}` }, "×");
  remove.addEventListener("click", () => {
    attachment.chip.remove();
    attachments = attachments.filter((other) => other !== attachment);
  });
  attachment.chip = create("div", { class: "chip", role: "group", "aria-label": name }, name, remove);
  form.prepend(attachment.chip);
}

async function add(files, form, { context, onChange, onError }) {
  if (attachments.length + files.length > options.max_files) return onError(new Error(TOO_MANY));
  const added = files.map((file) => ({ file, isDone: false }));
  for (const attachment of added) {
    attachments.push(attachment);
    if (options.shows_chip) showChip(form, attachment);
  }
  await Promise.all(
    added.map(async (attachment) => {
      try {
        await upload(attachment, context());
        attachment.isDone = true;
      } catch (error) {
        attachment.chip?.remove();
        attachments = attachments.filter((other) => other !== attachment);
        onError(error);
      }
    }),
  );
  onChange();
}

const INPUTS = { form: { id: "upload-files", multiple: "" }, photos: { id: "upload-photos", multiple: "" }, menu: { multiple: "" }, single: { id: "upload-files" } };

/** Add the file inputs to the composer's form. Return a function that opens the dialog for files. */
export function addInputs(form, handlers) {
  const input = create("input", { type: "file", hidden: "", tabindex: "-1", ...INPUTS[options.input] });
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    add(files, form, handlers);
  });
  if (options.input !== "menu") {
    const images = create("input", { type: "file", hidden: "", accept: "image/*", "data-testid": "upload-photos-input" });
    form.prepend(images, input);
  }
  return () => input.click();
}

/** Return the parts of the message for images, and the field `attachments`, in the form of the site's request. */
export function describe(taken) {
  const pictures = taken.filter(({ useCase }) => useCase === "multimodal");
  const images = pictures.map(({ id, file, width, height }) => ({ content_type: "image_asset_pointer", asset_pointer: `sediment://${id}`, size_bytes: file.size, width, height }));
  const entries = taken.map(({ id, file, width, height }) => ({ id, size: file.size, name: file.name, mime_type: file.type, source: "local", is_big_paste: false, width, height }));
  return { images, ...(taken.length && { attachments: entries }) };
}
