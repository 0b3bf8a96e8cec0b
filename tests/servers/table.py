"""All imitated wires by name."""

from __future__ import annotations

from collections.abc import Mapping

from tests.servers import (
    anthropic_wires,
    desktop_wires,
    gateway_wires,
    google_wires,
    hosted_wires,
    local_wires,
    openai_wires,
    strict_wires,
)
from tests.servers.wire import ChatWire

_HOSTED = (openai_wires, anthropic_wires, google_wires, gateway_wires, hosted_wires, strict_wires)
_FAMILIES = (*_HOSTED, local_wires, desktop_wires)
WIRES: Mapping[str, type[ChatWire]] = {wire.name: wire for family in _FAMILIES for wire in family.WIRES}
