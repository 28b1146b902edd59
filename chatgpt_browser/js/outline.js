/**
 * What the page has that can be written into, pressed or told apart, for a report: kinds, names and labels of elements. What a
 * person has written or read is left out: no text, and labels only around the composer and in dialogs.
 */
(elements) =>
  elements.slice(0, 200).map((element) => {
    const near = element.closest("form, dialog, [role=dialog], [role=alertdialog]") !== null;
    const isField = element.matches("textarea, [contenteditable], [role=textbox]");
    const found = {
      tag: element.localName,
      role: element.getAttribute("role"),
      label: near || isField ? element.getAttribute("aria-label") ?? element.getAttribute("placeholder") : null,
      testid: element.dataset.testid?.replaceAll(/\d+/g, "N") ?? null,
      id: near || isField ? element.id || null : null,
      disabled: element.disabled ?? null,
      visible: element.checkVisibility(),
    };
    return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null));
  });
