"""Oracles: what must be stored, published and logged, compared with what is."""
