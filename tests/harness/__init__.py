"""Test harness of acceptance, bench and faults: real servers, the whole stack, records and reports."""
