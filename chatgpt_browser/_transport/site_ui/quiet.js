/** Wait until the document is loaded and no node was added or removed for `duration` milliseconds. */
(duration) =>
  new Promise((resolve) => {
    let timer;
    const observer = new MutationObserver(restart);
    function restart() {
      clearTimeout(timer);
      timer = setTimeout(check, duration);
    }
    function check() {
      if (document.readyState !== "complete") return restart();
      observer.disconnect();
      resolve(true);
    }
    observer.observe(document, { childList: true, subtree: true });
    restart();
  })
