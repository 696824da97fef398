"""Fault cases: the rows of the fault matrix and the scenarios, each with its own oracle."""
