"""Inputs of a run: fault plans, recordings, load and poison messages."""
