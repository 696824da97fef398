"""What does an answer of ours look like? Masked JSON of this very moment; errors are in problems.py."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from common.masking import mask
from health.schemas import Problem

# Under "model" it would be described as application/json.
PROBLEM_CONTENT = {"application/problem+json": {"schema": Problem.model_json_schema()}}


def reply(body: BaseModel, status: int = 200) -> Response:
    """Return the body masked; a health answer is of this moment, so nobody may keep it."""
    return JSONResponse(masked(body), status, headers={"Cache-Control": "no-store"})


def masked(body: BaseModel) -> Any:
    """Return the body as plain JSON values without a secret."""
    return mask(body.model_dump(mode="json"))
