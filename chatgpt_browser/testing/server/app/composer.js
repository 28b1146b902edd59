/** Unusual behaviour of the composer. The options of the server select it (see `ComposerOptions`). */

const options = JSON.parse(document.body.dataset.composer);
const anew = [...options.renders_anew_after];
let ignored = options.ignored_clicks;
let isWritten = false;

/** Replace the shell with the composer. The shell's text field stays in the page but is hidden. */
export function wake(form) {
  const shell = document.getElementById("shell");
  if (shell === null) return;
  const field = shell.querySelector("textarea");
  field.hidden = true;
  form.append(field);
  shell.remove();
  form.hidden = false;
}

/** Return whether this click on the send button is ignored. */
export function ignoresClick() {
  ignored -= 1;
  return ignored >= 0;
}

/** Return whether the text is too long. Show or hide the alert accordingly. */
export function isTooLong(text, alert) {
  if (options.text_limit === null) return false;
  const isLong = text.length > options.text_limit;
  if (isLong) alert.textContent = "The message you submitted was too long, please submit something shorter.";
  alert.hidden = !isLong;
  return isLong;
}

/**
 * Handle an input. After the first input into an empty composer, call `onFirst`. If `renders_anew_after` has a further delay, also
 * call `render` after this delay.
 */
export function noteInput(text, render, onFirst) {
  const isFirst = !isWritten && text.trim() !== "";
  isWritten = text.trim() !== "";
  if (isFirst) onFirst();
  if (!isFirst || anew.length === 0) return;
  setTimeout(() => {
    isWritten = false;
    render();
  }, anew.shift() * 1000);
}

/** Record that the page itself has emptied the composer. */
export function noteEmptied() {
  isWritten = false;
}

/** Insert pasted text at the cursor. If the text is longer than `paste_limit`, attach it to the form instead. */
export function paste(event, form) {
  event.preventDefault();
  const text = event.clipboardData.getData("text/plain");
  if (options.paste_limit !== null && text.length > options.paste_limit) {
    const chip = Object.assign(document.createElement("p"), { className: "chip", textContent: "Pasted text.txt" });
    chip.append(Object.assign(document.createElement("button"), { type: "button", ariaLabel: "Remove file" }));
    form.prepend(chip);
    return;
  }
  const range = getSelection().getRangeAt(0);
  range.deleteContents();
  const nodes = text.split("\n").flatMap((line, index) => [...(index === 0 ? [] : [document.createElement("br")]), document.createTextNode(line)]);
  const fragment = document.createDocumentFragment();
  fragment.append(...nodes);
  range.insertNode(fragment);
  getSelection().collapseToEnd();
  event.target.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertFromPaste" }));
}
