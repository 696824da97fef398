"""Acceptance: every promise measured on the real stack by `make acceptance`, in one table."""
