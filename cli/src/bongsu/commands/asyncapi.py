"""`bongsu asyncapi`: the AsyncAPI document of every message, made from the code."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from bongsu.output import print_json


def asyncapi(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of YAML.")] = False,
) -> None:
    """Print the AsyncAPI document: who sends what, who reads it.

    Made from the code that sends the messages; no server is asked.

    As in: bongsu asyncapi > bongsu.asyncapi.yaml
    """
    # Imported here: FastStream takes a while.
    from bongsu.bus.asyncapi import message_contract

    document = message_contract()
    if as_json:
        print_json(json.loads(document.to_json()))
    else:
        sys.stdout.write(document.to_yaml())
