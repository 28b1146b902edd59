"""Soak test: mixed load with random faults on one client; reports lost and duplicate messages and memory. See scripts/soak.sh."""
