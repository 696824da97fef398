"""Real PostgreSQL and nats-server from PyPI wheels, on loopback, for `bongsu up` and for the tests."""
