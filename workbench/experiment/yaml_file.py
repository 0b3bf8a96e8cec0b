"""Reading the YAML of an experiment file, with every mistake as one `InputError`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from workbench.errors import InputError


class _OneOfEachKey(yaml.SafeLoader):
    """YAML's safe loader, but a key given twice is an error; PyYAML would silently keep the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} stands there twice in one mapping", key.start_mark
                )
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds. Raises InputError naming the line: not UTF-8, no YAML, a key twice, no
    mapping."""
    if path.is_dir():
        raise InputError("is a folder", file=path, fix="give the path of a .yaml file, e.g. examples/demo.yaml")
    if not path.is_file():
        raise InputError(
            "no such experiment file", file=path, fix="give the path of a .yaml file, e.g. examples/demo.yaml"
        )
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_OneOfEachKey)  # noqa: S506 - a safe loader's child
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text", file=path, fix="save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else None
        problem = str(getattr(error, "problem", None) or "is not YAML")
        raise InputError(problem, file=path, field=line, fix="mend the YAML there") from error
    if not isinstance(raw, dict):
        raise InputError("holds no mapping", file=path, fix="start with `name:`, `corpora:`, `models:`, `pipelines:`")
    return raw
