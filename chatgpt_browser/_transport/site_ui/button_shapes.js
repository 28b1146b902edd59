/** Return a string for each button. It contains every property that may distinguish a stop button from other buttons. */
(buttons) => buttons.map((button) => [button.type, button.id, button.dataset.testid, button.getAttribute("aria-label"), button.innerHTML].join("|"));
