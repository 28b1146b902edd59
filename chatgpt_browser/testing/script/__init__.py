"""The scripted part of the fake server: steps, the queue that selects them, and the bytes of reply events. No I/O."""
