"""Real PostgreSQL and nats-server for tests, and a way to wait without sleeping."""
