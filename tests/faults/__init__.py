"""Fault injection into the real stack, observed from outside: nothing is lost, doubled or missing."""
