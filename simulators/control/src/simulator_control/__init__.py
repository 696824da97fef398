"""Fault injection, request counts and serving, shared by the simulators."""

from simulator_control.faults import Fault, FaultKind, Faults, InvalidFaultError
from simulator_control.routes import control_routes
from simulator_control.serving import serve
from simulator_control.stats import RequestStats, stats_middleware

__all__ = [
    "Fault",
    "FaultKind",
    "Faults",
    "InvalidFaultError",
    "RequestStats",
    "control_routes",
    "serve",
    "stats_middleware",
]
