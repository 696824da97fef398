"""Embedded PostgreSQL and NATS, and the processes, ports, files and passwords that they need."""
