"""Does every promise hold? `make acceptance` runs the real stack, measures each, and prints one table."""
