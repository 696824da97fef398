"""Decisions from candles and answers, pure: no IO, no clock, no logging."""
