/** Return the ids in the last of these elements that has any. The second argument is the list of attributes that contain ids. */
(elements, attributes) => {
  const idsOf = (element) => attributes.flatMap((name) => (element.getAttribute(name) ?? "").split(/\s+/)).filter(Boolean);
  return idsOf(elements.findLast((element) => idsOf(element).length > 0) ?? document.createElement("i"));
}
