"""Checks before anything starts: each thing that stands in the way is one sentence."""
