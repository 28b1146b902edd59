/** Wait until the message box is removed from the page or becomes empty, for at most `timeout` milliseconds. */
(box, timeout) =>
  new Promise((resolve) => {
    const isLost = () => !box.isConnected || ("value" in box ? box.value : box.textContent).trim() === "";
    const finish = () => {
      observer.disconnect();
      box.removeEventListener("input", check);
      resolve();
    };
    const check = () => isLost() && finish();
    const observer = new MutationObserver(check);
    observer.observe(document, { childList: true, characterData: true, subtree: true });
    box.addEventListener("input", check);
    setTimeout(finish, timeout);
    check();
  });
