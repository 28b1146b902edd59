"""Recordings of real conversations: `Recorder` writes them without secrets, and `FakeChatGPT.replay` replays them."""
