/** Return the message ids of the last element that has message ids. The argument lists the attributes that may contain ids. */
(attributes) => {
  const idsOf = (element) => attributes.flatMap((name) => (element.getAttribute(name) ?? "").split(/\s+/)).filter(Boolean);
  const elements = [...document.querySelectorAll(attributes.map((name) => `[${name}]`).join(", "))];
  return elements.map(idsOf).findLast(({ length }) => length > 0) ?? [];
}
