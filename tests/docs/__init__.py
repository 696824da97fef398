"""What the papers say of settings, variables and events comes from the code: `make papers` writes it."""
