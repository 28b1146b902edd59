/**
 * Replace the text of a message box without typing. When a text is typed, Chromium inserts each line separately, and each line
 * takes longer than the line before.
 *
 * In a text field, set the value and return "set". In an editor, paste the text; return "shown" if the editor shows it, "missing"
 * if the editor accepted the text but does not show it, and "ignored" if the editor did not accept it.
 *
 * The text is pasted in pieces. If `html` is true, each piece is also pasted as HTML paragraphs. ProseMirror drops the empty lines
 * of pasted plain text, but it keeps empty paragraphs in its own format, which has the attribute `data-pm-slice`.
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
    // If an editor inserts the text itself, it calls `preventDefault`, so `dispatchEvent` returns false.
    return !box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }

  const isMissing = () => box.isConnected && box.textContent.length < pieces.join("").length / 2;
  if (!pieces.every(paste)) return "ignored";
  // Some editors do not show the text at once, but in a later task.
  if (isMissing()) {
    await new Promise((resolve) => {
      const observer = new MutationObserver(() => isMissing() || resolve());
      observer.observe(box, { childList: true, characterData: true, subtree: true });
      setTimeout(resolve, timeout);
    });
  }
  return isMissing() ? "missing" : "shown";
};
