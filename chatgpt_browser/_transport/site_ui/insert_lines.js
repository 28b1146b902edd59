/**
 * Replace the text of a message box at once: Chromium types each line separately, in a time that grows with the number of lines
 * already there. Return "set" for a field, which gets a new value; for an editor "shown", "missing" if it accepted the text as
 * pasted text without showing it, or "ignored" if it did not accept it.
 *
 * An editor gets the text in pieces. With `html`, each piece is also a list of paragraphs: ProseMirror drops the empty lines of
 * pasted plain text, and keeps them in its own format, which it recognizes by `data-pm-slice`.
 */
async (box, { pieces, html, timeout }) => {
  if ("value" in box) {
    box.setRangeText(pieces.join(""), 0, box.value.length, "end");
    box.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
    return "set";
  }

  function paste(text) {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    if (html) {
      const paragraphs = text.split("\n").map((line) => Object.assign(document.createElement("p"), { textContent: line }));
      paragraphs[0].setAttribute("data-pm-slice", "1 1 []");
      data.setData("text/html", paragraphs.map((paragraph) => paragraph.outerHTML).join(""));
    }
    // An editor that inserts the text prevents the browser's own insertion.
    return !box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }

  const isMissing = () => box.isConnected && box.textContent.length < pieces.join("").length / 2;
  if (!pieces.every(paste)) return "ignored";
  // Some editors show the text in a later task.
  if (isMissing()) {
    await new Promise((resolve) => {
      const observer = new MutationObserver(() => isMissing() || resolve());
      observer.observe(box, { childList: true, characterData: true, subtree: true });
      setTimeout(resolve, timeout);
    });
  }
  return isMissing() ? "missing" : "shown";
};
