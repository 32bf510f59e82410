"""Write an otlet plugin in Python.

A plugin is a class: its constructor takes the processor's config and opens columns, `process` works on a batch, and the
attributes of `Plugin` say what it is. One line exports it:

    from otlet_plugin import Batch, Column, Plugin, export

    class Upper(Plugin):
        version = "1.0.0"
        config_schema = {"type": "object", "required": ["key"], "properties": {"key": {"type": "string", "minLength": 1}}}

        def __init__(self, config):
            self.column = Column.attribute("record", config["key"])

        def process(self, batch: Batch):
            batch.set_texts(self.column, [text and text.upper() for text in batch.texts(self.column)])

    Processor = export(Upper)

This is a thin face of the contract 0.1.0, and has no logic of its own: `bindings` is the contract itself, as componentize-py
generates it from wit/plugin.wit, with all its documentation.
"""

import json
import random as _random
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from componentize_py_types import Err

from .bindings.imports import batch as _batch
from .bindings.imports import host as _host
from .bindings.imports.types import (
    Leaves,
    PackedTexts,
    Value,
    Value_Boolean,
    Value_Bytes,
    Value_Double,
    Value_Empty,
    Value_Integer,
    Value_Json,
    Value_Text,
)

__all__ = ["Batch", "Column", "Error", "Leaves", "PackedTexts", "Plugin", "count", "export", "log", "now", "pack", "random", "seed"]

#: What a value is in Python: `None` is OTLP's empty value, lists and dicts are what JSON can say of arrays and maps.
Native = None | str | bool | int | float | bytes | list | dict


class Error(Exception):
    """Refuses a config, or a batch: its text alone is what otlet shows. Never put telemetry into it."""


class Plugin:
    """What a plugin is derived from: its attributes are the manifest (wit/README.md)."""

    version: ClassVar[str] = "0.0.0"
    signals: ClassVar[Sequence[str]] = ("traces", "metrics", "logs")
    #: JSON Schema of the config. otlet checks the config against it and fills in nothing: defaults are yours.
    config_schema: ClassVar[dict[str, Any]] = {"type": "object", "additionalProperties": False}
    #: "pass", "drop", "reject" or "dead_letter", unless the processor's own `on_error` says otherwise.
    on_error: ClassVar[str] = "pass"
    #: Whether it may write text that a plugin before it should have seen.
    adds_text: ClassVar[bool] = False

    def __init__(self, config: dict[str, Any]) -> None:
        """Once an instance: takes what it needs from the config and opens every column."""

    def process(self, batch: "Batch") -> None:
        """Works on the batch in hand. Keep nothing of it: a batch may be given again, to another instance."""
        raise NotImplementedError


class Column:
    """A column of a table, by its path (wit/README.md lists them): `Column('resource.attributes["service.name"]')`.

    To be opened in the constructor of a plugin; an instance has at most 1,024.
    """

    __slots__ = ("path", "number")

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self.number = _batch.column(path)
        except Err as error:
            raise Error(error.value) from None

    @classmethod
    def attribute(cls, table: str, key: str) -> "Column":
        """The attribute of any key, quotes and all."""
        map_ = {"metric": "metadata", "exemplar": "filtered_attributes"}.get(table, "attributes")
        quoted = key.replace("\\", "\\\\").replace('"', '\\"')
        return cls(f'{table}.{map_}["{quoted}"]')

    def __repr__(self) -> str:
        return f"Column({self.path!r})"


class Batch:
    """The batch in hand. It stays in otlet: read whole columns, write the rows that change.

    `rows` names rows, ascending; `None` is every row. Row numbers hold for the whole of one `process`, whatever is dropped.
    """

    @property
    def signal(self) -> str:
        """"traces", "metrics" or "logs"."""
        return _batch.signal()

    def rows(self, table: str) -> int:
        return _batch.rows(table)

    def parents(self, table: str, above: str) -> list[int]:
        """For each row of `table`, its row in `above`."""
        return _batch.parents(table, above)

    def keys(self, table: str) -> list[str]:
        """Every distinct attribute key of the table."""
        return _batch.keys(table)

    def texts(self, column: Column) -> list[str | None]:
        """One entry a row; what is no text is `None`."""
        return _batch.texts(column.number)

    def integers(self, column: Column) -> list[int | None]:
        packed = _batch.integers(column.number)
        return _present(packed.items, packed.present)

    def doubles(self, column: Column) -> list[float | None]:
        packed = _batch.doubles(column.number)
        return _present(packed.items, packed.present)

    def values(self, column: Column) -> list[Native]:
        """Values of every type. An absent one is `None`, and so is an empty one."""
        return [None if value is None else _native(value) for value in _batch.values(column.number)]

    def get(self, column: Column, row: int) -> Native:
        """One value. For more than a few rows read the column."""
        value = _batch.get(column.number, row)
        return None if value is None else _native(value)

    def ids(self, column: Column) -> list[bytes | None]:
        """Trace ids of 16 bytes, span ids of 8; `None` where there is none."""
        data = _batch.ids(column.number)
        size = 16 if column.path.endswith("trace_id") else 8
        none = bytes(size)
        ids = [data[i : i + size] for i in range(0, len(data), size)]
        return [None if id_ == none else id_ for id_ in ids]

    def fill(self, column: Column, value: Native, rows: Sequence[int] | None = None) -> None:
        """The same value in all these rows: the cheapest edit."""
        _batch.fill(column.number, _list(rows), _value(value))

    def set_texts(self, column: Column, texts: Sequence[str | None]) -> None:
        """An entry for every row; `None` leaves its row as it is."""
        _batch.set_texts(column.number, _list(texts))

    def set_values(self, column: Column, values: Iterable[Native], rows: Sequence[int] | None = None) -> None:
        """values[i] into rows[i]."""
        _batch.set_values(column.number, _list(rows), [_value(value) for value in values])

    def set_ids(self, column: Column, ids: Sequence[bytes], rows: Sequence[int] | None = None) -> None:
        _batch.set_ids(column.number, _list(rows), b"".join(ids))

    def unset(self, columns: Column | Iterable[Column], rows: Sequence[int] | None = None) -> None:
        """Removes attributes, clears fields."""
        columns = [columns] if isinstance(columns, Column) else columns
        _batch.unset([column.number for column in columns], _list(rows))

    def copy(self, source: Column, target: Column, rows: Sequence[int] | None = None) -> None:
        """The value of `source` into `target`, exactly, in the same row or from the row above it."""
        _batch.copy(source.number, target.number, _list(rows))

    def add_attributes(self, table: str, rows: Sequence[int], keys: Sequence[str], values: Iterable[Native]) -> None:
        """Row rows[i] gets keys[i] with values[i], unless it has that key. For keys that only the data knows."""
        _batch.add_attributes(table, _list(rows), pack(keys), [_value(value) for value in values])

    def drop(self, table: str, rows: Sequence[int]) -> None:
        """Drops these rows."""
        _batch.drop_rows(table, _list(rows))

    def leaves(self, tables: Sequence[str], kinds: Sequence[str]) -> Leaves:
        """Every leaf of these tables and kinds, in one walk."""
        return _batch.all_leaves(_list(tables), _list(kinds))

    def replace_leaves(self, leaves: Sequence[int], texts: Sequence[str | None]) -> None:
        """texts[i] in place of the leaf of this number; `None` removes it."""
        _batch.replace_leaves(_list(leaves), pack(texts))

    def to_otlp(self) -> bytes:
        """The whole batch as an OTLP export request, for code that brings its own OTLP library."""
        return _batch.to_otlp()

    def replace_with_otlp(self, request: bytes) -> None:
        try:
            _batch.replace_with_otlp(request)
        except Err as error:
            raise Error(error.value) from None


class log:
    """otlet's log: ten lines a second, of 256 bytes. `print` goes there as well."""

    @staticmethod
    def debug(message: str) -> None:
        _host.log("debug", message)

    @staticmethod
    def info(message: str) -> None:
        _host.log("info", message)

    @staticmethod
    def warn(message: str) -> None:
        _host.log("warn", message)

    @staticmethod
    def error(message: str) -> None:
        _host.log("error", message)


def count(name: str, add: int = 1) -> None:
    """Adds to a counter that otlet exports as otlet_plugin_counts_total."""
    _host.count(name, add)


def now() -> int:
    """Milliseconds since the Unix epoch."""
    return _host.now()


def random(length: int) -> bytes:
    """At most 65,536 bytes."""
    return _host.random(length)


def seed() -> bytes:
    """32 bytes that all instances of this plugin share until otlet ends: a key for hashes they must agree on."""
    return _host.seed()


def pack(texts: Sequence[str | None]) -> PackedTexts:
    """Texts in one piece, as the contract has them."""
    data, ends, present = bytearray(), [], bytearray((len(texts) + 7) // 8)
    for i, text in enumerate(texts):
        if text is not None:
            data += text.encode()
            present[i >> 3] |= 1 << (i & 7)
        ends.append(len(data))
    return PackedTexts(bytes(data), ends, bytes(present))


def export(plugin: type[Plugin]) -> type:
    """Makes a component of the plugin: `Processor = export(Owner)`, at the end of the module that is componentized."""
    # componentize-py makes a new object for every call, so what a call leaves is kept here.
    instance: list[Plugin] = []

    class Processor:
        def describe(self) -> str:
            return json.dumps(
                {
                    "version": plugin.version,
                    "signals": list(plugin.signals),
                    "config_schema": plugin.config_schema,
                    "on_error": plugin.on_error,
                    "adds_text": plugin.adds_text,
                }
            )

        def configure(self, config: str) -> None:
            # The component is a picture of Python taken when it was built, and all instances would draw the same numbers.
            _random.seed(_host.random(32))
            try:
                instance[:] = [plugin(json.loads(config))]
            except Exception as error:
                raise Err(_said(error)) from None

        def process(self) -> None:
            try:
                instance[0].process(Batch())
            except Exception as error:
                raise Err(_said(error)) from None

    return Processor


def _said(error: Exception) -> str:
    """In one line, of which otlet shows 256 bytes: the error, and the calls that led to it, the last first."""
    if isinstance(error, Error):
        return str(error)
    if isinstance(error, Err):
        error = Error(error.value)
    places, traceback = [], error.__traceback__.tb_next if error.__traceback__ else None
    while traceback:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return f"{type(error).__name__}: {error} (at {', '.join(reversed(places))})"


def _list(items: Sequence | None) -> list | None:
    """As a list, which is what the bindings take."""
    return items if items is None or isinstance(items, list) else list(items)


def _present(items: list, present: bytes) -> list:
    return [item if present[i >> 3] >> (i & 7) & 1 else None for i, item in enumerate(items)]


def _value(value: Native) -> Value:
    match value:
        case None:
            return Value_Empty()
        case bool():
            return Value_Boolean(value)
        case str():
            return Value_Text(value)
        case int():
            return Value_Integer(value)
        case float():
            return Value_Double(value)
        case bytes():
            return Value_Bytes(value)
        case list() | dict():
            return Value_Json(json.dumps(value))
    raise TypeError(f"OTLP has no value for a {type(value).__name__}")


def _native(value: Value) -> Native:
    match value:
        case Value_Empty():
            return None
        case Value_Json():
            return json.loads(value.value)
    return value.value
