"""The parts of the papers that are made from the code: `make papers` writes them."""
