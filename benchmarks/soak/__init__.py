"""A long run: mixed load on one client, with faults drawn at random; what was lost, doubled, held. See scripts/soak.sh."""
