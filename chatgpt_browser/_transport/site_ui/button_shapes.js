/** Return one string for each button. It contains all properties in which a stop button may differ from the button that it replaces. */
(buttons) => buttons.map((button) => [button.type, button.id, button.dataset.testid, button.getAttribute("aria-label"), button.innerHTML].join("|"));
