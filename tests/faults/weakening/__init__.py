"""Fault injection into the services: kill points and builds without one protection."""
