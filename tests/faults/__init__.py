"""What the whole stack keeps when it is broken: killed at named points, weakened, and under random faults."""
