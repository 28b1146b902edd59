"""Recordings of real conversations. `Recorder` writes recordings without secrets, and `FakeChatGPT.replay` replays them."""
