"""Breaks the real stack at random, and counts what was lost, doubled or left broken: `make faults`."""
