"""Fault injection, request counts and the command line, shared by the simulators."""

from simulator_control.command import AddressError, command_parser, serve_command
from simulator_control.connections import hang, reset
from simulator_control.faults import Fault, FaultKind, Faults, InvalidFaultError
from simulator_control.routes import control_routes
from simulator_control.stats import RequestStats

__all__ = [
    "AddressError",
    "Fault",
    "FaultKind",
    "Faults",
    "InvalidFaultError",
    "RequestStats",
    "command_parser",
    "control_routes",
    "hang",
    "reset",
    "serve_command",
]
