/**
 * Return Chromium's user agent and the client hints that it provides to a secure document. All of them are needed, because an
 * override of the user agent replaces all client hints.
 */
(async () => {
  const names = [
    "architecture",
    "bitness",
    "formFactors",
    "fullVersionList",
    "model",
    "platform",
    "platformVersion",
    "wow64",
  ];
  const data = navigator.userAgentData;
  return { userAgent: navigator.userAgent, hints: data ? await data.getHighEntropyValues(names) : null };
})()
