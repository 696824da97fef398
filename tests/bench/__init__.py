"""Benchmarks: `make bench` measures ratios against the usual alternatives, side by side in one run."""
