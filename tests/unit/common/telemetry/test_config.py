from __future__ import annotations

import pytest

from common.telemetry.config import exported_signals

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}


@pytest.mark.parametrize("protocol", ["http/protobuf", " HTTP/protobuf ", ""])
def test_the_protocol_that_is_built_in_exports_all(protocol: str) -> None:
    found = exported_signals(ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
    assert (sorted(found.signals), found.problems) == (["logs", "metrics", "traces"], ())


def test_a_protocol_of_one_signal_wins_over_the_common_one() -> None:
    own = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf"}
    found = exported_signals(ENDPOINT | own)
    assert sorted(found.signals) == ["logs"]
    (problem,) = found.problems
    assert problem.startswith("OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf")


def test_what_is_not_exported_is_not_complained_of() -> None:
    assert exported_signals({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}).problems == ()
    off = {f"OTEL_{name}_EXPORTER": "none" for name in ("TRACES", "METRICS", "LOGS")}
    assert exported_signals(ENDPOINT | off | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}).problems == ()


def test_one_exporter_of_several_may_be_ours() -> None:
    found = exported_signals(ENDPOINT | {"OTEL_LOGS_EXPORTER": "console, otlp"})
    assert "logs" in found.signals
