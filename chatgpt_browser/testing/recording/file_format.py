"""The format of a recording: JSON Lines.

The first line is `{"recording": FORMAT_VERSION, "recorded": date}`, and a line `{"session": …}` shows the session without
its values. For each message follow:

- `{"message": text}`,
- for each event `{"event": {…}, "at": seconds}`, or `{"append": text, "at": seconds}` if it only appends text,
- `{"end": "done" | "stalled" | "garbled" | "broken" | "left" | "challenge", "at": seconds}`, or
  `{"answer": {"status", "body", "headers"}, "at": seconds}` if the site responded with an error.

Times are counted from the moment when the message was sent.
"""

FORMAT_VERSION = 1
