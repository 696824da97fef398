"""The Compose stack on a real Docker engine: `make compose-test`."""
