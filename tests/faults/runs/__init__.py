"""Fault runs, each a `make faults ARGS=<name>`."""
