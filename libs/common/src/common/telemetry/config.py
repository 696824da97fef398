"""Export configuration: which of traces, metrics and logs OpenTelemetry's own variables ask for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL = "http/protobuf"
PROTOCOL_PORT = 4318


class TelemetrySignal(StrEnum):
    """What OpenTelemetry calls a signal; the name as it stands in the variables, in small letters."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


@dataclass(frozen=True)
class ExportedSignals:
    """The signals that are exported, and a sentence for each that cannot be as the variables want it."""

    signals: frozenset[TelemetrySignal]
    problems: tuple[str, ...] = ()


def exported_signals(environment: Mapping[str, str]) -> ExportedSignals:
    """Return what the variables ask for.

    A signal is exported where it has an endpoint, of its own or the common one, and its exporter is not
    `none`. An empty variable counts as missing.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ExportedSignals(frozenset())
    wanted = [signal for signal in TelemetrySignal if _is_wanted(signal, environment)]
    refused = {signal: problem for signal in wanted for problem in _problems(signal, environment)}
    return ExportedSignals(frozenset(wanted) - refused.keys(), tuple(dict.fromkeys(refused.values())))


def otlp_variable(name: str, signal: TelemetrySignal) -> str:
    """Return the name of a signal's own variable: of HEADERS and traces OTEL_EXPORTER_OTLP_TRACES_HEADERS."""
    return f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}"


def _is_wanted(signal: TelemetrySignal, environment: Mapping[str, str]) -> bool:
    has_endpoint = environment.get(otlp_variable("ENDPOINT", signal)) or environment.get(ENDPOINT)
    exporters = environment.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip().lower()
    return bool(has_endpoint) and exporters != "none"


def _problems(signal: TelemetrySignal, environment: Mapping[str, str]) -> Iterator[str]:
    exporter = f"OTEL_{signal.upper()}_EXPORTER"
    named = {name.strip().lower() for name in environment.get(exporter, "").split(",") if name.strip()}
    if named and "otlp" not in named:
        yield f"{exporter}: must be otlp or none; nothing else is built in, so {signal} are not exported"
    for variable in (otlp_variable("PROTOCOL", signal), "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if protocol := environment.get(variable, "").strip().lower():
            if protocol != PROTOCOL:
                yield (
                    f"{variable}: must be {PROTOCOL}, with its port ({PROTOCOL_PORT}) in the endpoint;"
                    " nothing else is built in, so nothing that it is for is exported"
                )
            return
