"""The request parameters that some servers do not know, and how a server says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.llm.providers.transport import HttpRefusal

OPTIONAL = ("stream_options", "response_format", "seed", "temperature")
_UNKNOWN = re.compile(
    r"unsupported|not supported|unrecognized|unknown|extra_forbidden|not permitted|unexpected|deprecated", re.I
)


def is_about_the_request(refusal: HttpRefusal) -> bool:
    """Whether the status says that the server could read the request but objects to what is in it."""
    return refusal.status in (400, 422)


def unknown_parameter(refusal: HttpRefusal, sent: Mapping[str, Any]) -> str | None:
    """The first optional parameter of the body `sent` that the refusal names as unknown; None if it names none."""
    if not is_about_the_request(refusal) or not _UNKNOWN.search(refusal.body):
        return None
    return next((name for name in OPTIONAL if name in sent and name in refusal.body), None)
