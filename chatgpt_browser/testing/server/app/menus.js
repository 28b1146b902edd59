/** Menus that open below a button: a list of items, with submenus. */

import { create } from "./layouts.js";

/** Return an item of a menu. `ignoresClicks`: the item ignores the clicks of a user, but not the Enter key and the space bar. */
export function item(attributes, label, onChoose, { ignoresClicks = false } = {}) {
  const element = create("div", { role: "menuitem", tabindex: "0", ...attributes }, label);
  element.addEventListener("click", (event) => {
    if (!(ignoresClicks && event.isTrusted)) onChoose();
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") onChoose();
  });
  return element;
}

/** Return an item that shows and hides a submenu with other items. */
export function submenu(label, items) {
  const menu = create("div", { role: "menu", hidden: "" }, ...items);
  const opener = item({ "aria-haspopup": "menu" }, label, () => menu.toggleAttribute("hidden"));
  return [opener, menu];
}

/** Open and close a menu with a button. Each time the menu opens, `build` returns its elements. Return a function that closes it. */
export function attach(button, build, attributes = {}) {
  let menu = null;
  const close = () => {
    menu?.remove();
    menu = null;
    button.setAttribute("aria-expanded", "false");
  };
  button.setAttribute("aria-haspopup", "menu");
  close();
  button.addEventListener("click", () => {
    if (menu !== null) return close();
    menu = create("div", { role: "menu", class: "menu", ...attributes }, ...build());
    document.body.append(menu);
    button.setAttribute("aria-expanded", "true");
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  document.addEventListener("pointerdown", (event) => {
    if (menu !== null && !menu.contains(event.target) && !button.contains(event.target)) close();
  });
  return close;
}
