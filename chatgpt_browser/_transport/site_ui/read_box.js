/**
 * Return the text of a message box, and the number of times that `beginning` occurs elsewhere in the page.
 *
 * In an editor, a line is a block element or ends with a BR; a BR at the end of a block is only a placeholder. `innerText` is not
 * used, because it adds a line for each empty paragraph.
 */
(box, beginning) => {
  const lines = [""];
  let isNewLine = false;

  function write(text) {
    if (isNewLine) lines.push("");
    isNewLine = false;
    lines[lines.length - 1] += text;
  }

  function visit(node) {
    if (node.nodeType === Node.TEXT_NODE) write(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    if (node.localName === "br") {
      if (node.nextSibling === null) return;
      write("");
      isNewLine = true;
      return;
    }
    const isBlock = node !== box && !getComputedStyle(node).display.startsWith("inline");
    if (isBlock && node.previousSibling !== null) isNewLine = true;
    if (isBlock) write("");
    node.childNodes.forEach(visit);
    if (isBlock && node.nextSibling !== null) isNewLine = true;
  }

  const count = (element) => (beginning === "" ? 0 : element.textContent.split(beginning).length - 1);
  const isField = "value" in box;
  if (!isField) visit(box);
  const elsewhere = count(document.body) - count(box);
  return { text: isField ? box.value : lines.join("\n"), elsewhere };
};
