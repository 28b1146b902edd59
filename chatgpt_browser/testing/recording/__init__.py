"""Recordings: real conversations without their secrets (`Recorder`), and their replay."""
