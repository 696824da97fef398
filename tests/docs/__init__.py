"""Generator of the tables in README and docs: `make docs` writes them from the code."""
