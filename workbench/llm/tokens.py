"""Counting tokens before a call, and saying by which tokenizer it was done.

In order of trust: the server's own `/tokenize`, its `tokenizer.json` on this disk, the tiktoken encoding of the model's
family. What a server reports after a call is recorded in any case; these counts decide what fits.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from workbench.llm.model import ChatOverhead
from workbench.text import count_tokens, text_hash

# OpenAI's older models use cl100k; what is newer, and every model whose tokenizer we do not have, is counted in o200k.
_CL100K = ("gpt-4-", "gpt-3.5", "text-embedding", "gpt-4")
_KEPT_COUNTS = 200_000


class TokenCounter(Protocol):
    """Counts the tokens of a text; `source` is recorded with every figure."""

    @property
    def source(self) -> str:
        """The tokenizer, as it is recorded."""

    def count(self, text: str) -> int:
        """Number of tokens."""


class TiktokenCounter:
    """A tiktoken encoding from the copy that llama-index-core ships; no network."""

    def __init__(self, encoding: str = "o200k_base") -> None:
        self._encoding = encoding
        self.source = f"tiktoken:{encoding}"

    def count(self, text: str) -> int:
        return count_tokens(text, self._encoding)


class HuggingFaceCounter:
    """A Hugging Face `tokenizer.json` on disk, through the `tokenizers` package when it is installed."""

    def __init__(self, path: str, chat_overhead: ChatOverhead | None = None) -> None:
        from workbench.errors import InputError

        try:
            from tokenizers import Tokenizer  # type: ignore[import-not-found, unused-ignore]
        except ImportError as error:
            raise InputError(
                "needs the package `tokenizers`", field="tokenizer", fix="pip install tokenizers"
            ) from error
        try:
            self._tokenizer = Tokenizer.from_file(path)
        except Exception as error:  # the package raises a bare Exception for every kind of bad file
            raise InputError("is no tokenizer.json", file=path, field="tokenizer") from error
        self.source = f"huggingface:{path}"
        self.chat_overhead = chat_overhead

    def count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


class ServerCounter:
    """The `/tokenize` endpoint of vLLM (or llama.cpp), asked once per text.

    Blocking, with one kept connection per thread. When the server stops answering the rest is counted in o200k, and
    `source` says so from then on.
    """

    def __init__(self, root: str, model: str, key: str | None, *, field: str = "prompt") -> None:
        parts = urlsplit(root)
        self._https = parts.scheme == "https"
        self._host, self._path = parts.netloc, f"{parts.path.rstrip('/')}/tokenize"
        self._model = model
        self._field = field
        self._headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        self._local = threading.local()
        self._counts: dict[str, int] = {}
        self._gone = False
        self._counted = self._guessed = False  # whether the server has counted a text, and whether we had to
        self.chat_overhead: ChatOverhead | None = None

    @property
    def source(self) -> str:
        """The tokenizer, as it is recorded; both, once the server has left a count to us."""
        if not self._guessed and not self._gone:
            return "server:/tokenize"
        return "server:/tokenize and tiktoken:o200k_base" if self._counted else "tiktoken:o200k_base"

    def count(self, text: str) -> int:
        if not text:
            return 0
        key = text if len(text) < 64 else text_hash(text)
        known = self._counts.get(key)
        if known is None:
            known = self._ask({self._field: text, "add_special_tokens": False})
            if known is None:
                self._guessed = True
                return count_tokens(text)
            self._counted = True
            if len(self._counts) >= _KEPT_COUNTS:
                self._counts = {}
            self._counts[key] = known
        return known

    def measure_chat(self) -> None:
        """Find the chat template's own tokens from renderings of one-letter messages; raises OSError without server."""

        def rendered(*roles: str) -> int:
            found = self._ask({"messages": [{"role": role, "content": "x"} for role in roles]})
            if found is None:
                raise OSError("the server renders no messages")
            return found - len(roles) * self.count("x")

        one = rendered("user")
        three = rendered("user", "assistant", "user")
        message = max(0, (three - one) // 2)
        roles = {"system": max(0, rendered("system", "user") - one)}
        self.chat_overhead = ChatOverhead(message=message, reply=max(0, one - message), roles=roles)

    def _ask(self, body: Mapping[str, Any]) -> int | None:
        if self._gone:
            return None
        data = json.dumps({"model": self._model, **body}).encode()
        for _ in range(2):  # a kept connection may have been closed meanwhile
            try:
                reply = self._post(data)
                return int(reply["count"]) if "count" in reply else len(reply["tokens"])
            except (OSError, http.client.HTTPException):
                self._local.connection = None
            except (ValueError, KeyError, TypeError):
                return None
        self._gone = True
        return None

    def _post(self, data: bytes) -> Any:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if self._https else http.client.HTTPConnection
            connection = self._local.connection = kind(self._host, timeout=60)
        connection.request("POST", self._path, data, self._headers)
        response = connection.getresponse()
        raw = response.read()
        if response.status != 200:
            raise ValueError(f"HTTP {response.status}")
        return json.loads(raw)


def counter_for(model: str, tokenizer: str | None = None) -> TokenCounter:
    """The counter for a model name; `tokenizer` is a tiktoken encoding, or a tokenizer.json or its folder.

    Raises InputError when there is no such tokenizer.
    """
    if tokenizer:
        path = Path(tokenizer).expanduser()
        if path.is_dir():
            path /= "tokenizer.json"
        if path.suffix == ".json":
            return HuggingFaceCounter(str(path))
        return TiktokenCounter(_known_encoding(tokenizer))
    old = model.startswith(_CL100K) and not model.startswith(("gpt-4o", "gpt-4.1", "gpt-4.5"))
    return TiktokenCounter("cl100k_base" if old else "o200k_base")


def _known_encoding(name: str) -> str:
    import tiktoken

    known = tiktoken.list_encoding_names()
    if name not in known:
        from workbench.errors import UnknownName

        raise UnknownName("tokenizer", name, [*known, "a tokenizer.json"])
    return name
