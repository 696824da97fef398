"""The command's options, and how its process ends."""

import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from google.genai import errors

from bongsu.servers import ports
from contract.gemini.conftest import KEY, client_for
from contract.gemini.test_google_genai import MODEL
from servers.simulators import simulator
from servers.waiting import HANG_SECONDS


@pytest.mark.parametrize("span", ["minute", "day"])
def test_the_quota_of_a_minute_or_a_day_is_refused_by_its_name_and_each_models_own(span: str) -> None:
    with simulator("gemini_simulator", f"--requests-per-{span}", "1") as gemini:
        client = client_for(gemini.url, KEY)
        client.models.generate_content(model=MODEL, contents="hi")
        with pytest.raises(errors.ClientError, match=f"Per{span.title()}PerProjectPerModel") as refused:
            client.models.generate_content(model=MODEL, contents="hi")
        assert refused.value.code == 429
        client.models.generate_content(model="gemini-3.6-flash", contents="hi")


def test_with_keys_given_no_other_is_taken() -> None:
    with simulator("gemini_simulator", "--key", "AQ.mine", "--key", "AIza-mine") as gemini:
        for key in ("AQ.mine", "AIza-mine"):
            client = client_for(gemini.url, key)
            assert client.models.get(model=MODEL).name
        assert gemini.get("/v1/models?key=AQ.mine")["models"]
        stranger = client_for(gemini.url, KEY)
        with pytest.raises(errors.ClientError) as refused:
            stranger.models.get(model=MODEL)
        assert refused.value.code == 401


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_even_while_a_request_hangs(number: signal.Signals) -> None:
    with simulator("gemini_simulator") as gemini:
        gemini.switch_on("hang")
        address = urlsplit(gemini.url)
        with socket.create_connection((address.hostname or "", address.port or 0)) as client:
            client.sendall(
                f"POST /v1/models/{MODEL}:countTokens?key={KEY} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            )
            gemini.process.send_signal(number)
            assert gemini.process.wait(HANG_SECONDS) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--port", "70000"], "must be a whole number from 1 to 65535"),
        (["--port", "x"], "must be a whole number"),
        ([], "--port"),
        (["--port", "8000", "--requests-per-day", "-1"], "--requests-per-day"),
        (["--port", "8000", "--wish"], "--wish"),
    ],
)
def test_a_wrong_option_is_refused_by_name(options: list[str], words: str) -> None:
    ended = run(*options)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_says_where_it_listens_and_a_second_one_there_that_the_port_is_taken() -> None:
    port = ports.free_port()
    command = [sys.executable, "-m", "gemini_simulator", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == f"Gemini simulator listening on http://127.0.0.1:{port}\n"
            ended = run("--port", str(port))
        finally:
            process.terminate()
    assert ended.returncode == 1
    assert f"can't listen on 127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def run(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gemini_simulator", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
