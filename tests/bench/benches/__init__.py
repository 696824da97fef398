"""The benchmarks, each measured by a `measure` that returns rows of the table."""
