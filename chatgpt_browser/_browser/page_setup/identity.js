/**
 * Return Chromium's user agent and the client hints that it exposes to a secure document. An override of the user agent replaces
 * all of them, so it has to contain them all.
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
