"""Test a plugin without WebAssembly: a batch made by hand, and a harness that gives it to the plugin as otlet would.

    harness = Harness(Owner, {"teams": {"cart": "web"}})
    batch = FakeBatch("traces")
    cart = batch.add("resource", attributes={"service.name": "cart"})
    batch.add("record", cart, name="GET /")
    harness.process(batch)
    assert cart.attributes["team"] == "web"

A simple model of the contract for a plugin's own logic. It does not check the config against the schema, and has no leaves and
no OTLP bytes: for those, and for what the sandbox allows, run the component in otlet.
"""

import json
import os
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from componentize_py_types import Err

from . import Error, Plugin, _native, _value, export
from .bindings.imports import batch as _batch
from .bindings.imports import host as _host
from .bindings.imports import types

TABLES = {
    "traces": ("resource", "scope", "record", "event", "link"),
    "logs": ("resource", "scope", "record"),
    "metrics": ("resource", "scope", "metric", "record", "exemplar"),
}
OF_SIGNAL = {"span": "traces", "log": "logs", "datapoint": "metrics"}
PATH = re.compile(r'(\w+)\.(?:(attributes|metadata|filtered_attributes)\["((?:[^"\\]|\\.)*)"\]|([a-z_.]+))')


@dataclass(eq=False)
class Row:
    """A row of a table: its attributes, its fields by their names in paths (`name`, `status.code`), and the row above it."""

    table: str
    above: "Row | None" = None
    attributes: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    dropped: bool = False

    def up(self, table: str) -> "Row":
        return self if self.table == table or self.above is None else self.above.up(table)


class FakeBatch:
    """A batch of a signal ("traces", "metrics", "logs")."""

    def __init__(self, signal: str) -> None:
        self.signal = signal
        self._rows: dict[str, list[Row]] = {table: [] for table in TABLES[signal]}

    def add(self, table: str, above: Row | None = None, attributes: dict | None = None, **fields: Any) -> Row:
        """A row of `table` in the row `above`: of the resource, if there is a table between."""
        row = Row(table, above, dict(attributes or {}), fields)
        self._rows[table].append(row)
        return row

    def left(self, table: str) -> list[Row]:
        """The rows that the plugin has not dropped."""
        return [row for row in self._rows[table] if not row.dropped]

    def all(self, table: str) -> list[Row]:
        if table not in {table for tables in TABLES.values() for table in tables}:
            raise ValueError(f"there is no table {table!r}")
        return self._rows.get(table, [])


class Harness:
    """A plugin with its config. What it counts is in `counts`, what it logs in `logged`; what fails raises `Error`."""

    def __init__(self, plugin: type[Plugin], config: dict[str, Any]) -> None:
        self.counts: Counter[str] = Counter()
        self.logged: list[tuple[str, str]] = []
        self.processor = export(plugin)()
        self.manifest = json.loads(self.processor.describe())
        self._columns: list[str] = []
        self._run(None, lambda: self.processor.configure(json.dumps(config)))

    def process(self, batch: FakeBatch) -> None:
        """As otlet does: a batch of a signal that the plugin does not work on passes it by."""
        if batch.signal in self.manifest["signals"]:
            self._run(batch, self.processor.process)

    def _run(self, batch: FakeBatch | None, call: Any) -> None:
        contract = _Contract(self, batch)
        for name in ("log", "count", "now", "random", "seed"):
            setattr(_host, name, getattr(contract, name))
        for name in vars(_batch):
            if not name.startswith("_") and hasattr(contract, name):
                setattr(_batch, name, getattr(contract, name))
        try:
            call()
        except Err as error:
            raise Error(error.value) from None


class _Contract:
    """The functions that a plugin imports."""

    def __init__(self, harness: Harness, batch: FakeBatch | None) -> None:
        self._harness = harness
        self._in_hand = batch

    # host

    def log(self, level: str, message: str) -> None:
        self._harness.logged.append((level, message))

    def count(self, name: str, add: int) -> None:
        self._harness.counts[name] += add

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def random(self, len: int) -> bytes:
        return os.urandom(len)

    def seed(self) -> bytes:
        return bytes(range(32))

    # batch

    def column(self, path: str) -> int:
        found = PATH.fullmatch(path)
        if not found or (found[1] not in OF_SIGNAL and not any(found[1] in tables for tables in TABLES.values())):
            raise Err(f"unknown column {path!r}")
        self._harness._columns.append(path)
        return len(self._harness._columns) - 1

    def signal(self) -> str:
        return self._batch.signal

    def rows(self, table: str) -> int:
        return len(self._batch.all(table))

    def parents(self, table: str, above: str) -> list[int]:
        return [self._batch.all(above).index(row.up(above)) for row in self._batch.all(table)]

    def keys(self, table: str) -> list[str]:
        return list(dict.fromkeys(key for row in self._batch.left(table) for key in row.attributes))

    def texts(self, column: int) -> list[str | None]:
        return [value if isinstance(value, str) and self._seen(column, value) else None for value in self._values(column)]

    def integers(self, column: int) -> types.PackedIntegers:
        values = [value if type(value) is int and self._seen(column, value) else None for value in self._values(column)]
        return types.PackedIntegers([value or 0 for value in values], _bits(value is not None for value in values))

    def doubles(self, column: int) -> types.PackedDoubles:
        values = [float(value) if type(value) in (int, float) else None for value in self._values(column)]
        return types.PackedDoubles([value or 0.0 for value in values], _bits(value is not None for value in values))

    def values(self, column: int) -> list[types.Value | None]:
        return [None if value is _ABSENT else _value(value) for value in self._values(column)]

    def get(self, column: int, row: int) -> types.Value | None:
        return self.values(column)[row]

    def ids(self, column: int) -> bytes:
        size = 16 if self._harness._columns[column].endswith("trace_id") else 8
        values = self._values(column)
        return b"".join(value if isinstance(value, bytes) and len(value) == size else bytes(size) for value in values)

    def set_texts(self, column: int, texts: list[str | None]) -> None:
        rows = self._rows(column)
        assert len(texts) == len(rows), "an entry for every row"
        for row, text in zip(rows, texts, strict=True):
            if text is not None:
                self._write(column, row, text)

    def set_values(self, column: int, rows: list[int] | None, values: list[types.Value]) -> None:
        for row, value in zip(self._chosen(column, rows), values, strict=True):
            self._write(column, row, _native(value))

    def set_ids(self, column: int, rows: list[int] | None, ids: bytes) -> None:
        chosen = self._chosen(column, rows)
        size = len(ids) // max(len(chosen), 1)
        for i, row in enumerate(chosen):
            self._write(column, row, ids[i * size : (i + 1) * size])

    def fill(self, column: int, rows: list[int] | None, value: types.Value) -> None:
        for row in self._chosen(column, rows):
            self._write(column, row, _native(value))

    def unset(self, columns: list[int], rows: list[int] | None) -> None:
        for column in columns:
            place, key = self._place(column)
            for row in self._chosen(column, rows):
                getattr(row, place).pop(key, None)

    def copy(self, source: int, target: int, rows: list[int] | None) -> None:
        place, key = self._place(source)
        for row in self._chosen(target, rows):
            value = getattr(row.up(self._table(source)), place).get(key, _ABSENT)
            if value is not _ABSENT:
                self._write(target, row, value)

    def add_attributes(self, table: str, rows: list[int], keys: types.PackedTexts, values: list[types.Value]) -> None:
        start = 0
        for row, end, value in zip(rows, keys.ends, values, strict=True):
            key, start = keys.data[start:end].decode(), end
            self._batch.all(table)[row].attributes.setdefault(key, _native(value))

    def drop_rows(self, table: str, rows: list[int]) -> None:
        assert all(before < after for before, after in zip(rows, rows[1:])), "rows ascend"
        every = self._batch.all(table)
        for row in rows:
            every[row].dropped = True

    # What columns are

    @property
    def _batch(self) -> FakeBatch:
        assert self._in_hand is not None, "there is a batch during process alone"
        return self._in_hand

    def _table(self, column: int) -> str:
        table = PATH.fullmatch(self._harness._columns[column])[1]
        return "record" if table in OF_SIGNAL else table

    def _rows(self, column: int) -> list[Row]:
        return self._batch.all(self._table(column))

    def _chosen(self, column: int, rows: list[int] | None) -> list[Row]:
        every = self._rows(column)
        assert rows is None or all(before < after for before, after in zip(rows, rows[1:])), "rows ascend"
        chosen = every if rows is None else [every[row] for row in rows]
        signal = OF_SIGNAL.get(PATH.fullmatch(self._harness._columns[column])[1], self._batch.signal)
        return chosen if signal == self._batch.signal else []

    def _place(self, column: int) -> tuple[str, str]:
        _, map_, key, name = PATH.fullmatch(self._harness._columns[column]).groups()
        return ("attributes", re.sub(r"\\(.)", r"\1", key)) if map_ else ("fields", name)

    def _values(self, column: int) -> list[Any]:
        place, key = self._place(column)
        if not self._chosen(column, None):
            return [_ABSENT] * len(self._rows(column))
        return [getattr(row, place).get(key, _ABSENT) for row in self._rows(column)]

    def _seen(self, column: int, value: Any) -> bool:
        """A field at its default is absent."""
        return bool(value) or self._place(column)[0] == "attributes"

    def _write(self, column: int, row: Row, value: Any) -> None:
        place, key = self._place(column)
        if not row.dropped:
            getattr(row, place)[key] = value


_ABSENT = object()


def _bits(present: Any) -> bytes:
    flags = list(present)
    out = bytearray((len(flags) + 7) // 8)
    for i, flag in enumerate(flags):
        out[i >> 3] |= flag << (i & 7)
    return bytes(out)
