"""Fixtures that start, break and restart real processes."""
