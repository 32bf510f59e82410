"""What the helper adds to the bindings: native values, and errors instead of traps."""

import pytest

from otlet_plugin import Batch, Column, Error, Plugin, count, log
from otlet_plugin.testing import FakeBatch, Harness


def harness(process, config=None):
    """A plugin that does this with the columns `record.attributes["in"]` and `["out"]`."""

    class Tested(Plugin):
        def __init__(self, config):
            self.source = Column.attribute("record", "in")
            self.target = Column.attribute("record", "out")

        def process(self, batch: Batch):
            process(self, batch)

    return Harness(Tested, config or {})


def batch(*values):
    """Spans with these values of `in`."""
    made = FakeBatch("traces")
    resource = made.add("resource")
    for value in values:
        made.add("record", resource, {} if value is None else {"in": value}, name="a")
    return made


@pytest.mark.parametrize("value", ["a", "", True, 0, -(2**63), 2**63 - 1, 1.5, b"\xff", [1, {"a": None}], {"a": [1.5]}])
def test_values_of_every_type_come_and_go_as_they_are(value):
    spans = batch(value, None)
    harness(lambda self, batch: batch.set_values(self.target, batch.values(self.source)[:1], [0])).process(spans)
    first, second = spans.left("record")
    assert first.attributes["out"] == value and type(first.attributes["out"]) is type(value)
    assert second.attributes == {}


def test_columns_are_lists_with_none_where_nothing_is():
    seen = {}

    def process(self, batch):
        seen["texts"] = batch.texts(self.source)
        seen["integers"] = batch.integers(self.source)
        seen["doubles"] = batch.doubles(self.source)

    harness(process).process(batch("a", None, 7, 1.5))
    assert seen == {
        "texts": ["a", None, None, None],
        "integers": [None, None, 7, None],
        "doubles": [None, None, 7.0, 1.5],
    }


def test_ids_are_bytes_or_none():
    spans = FakeBatch("traces")
    resource = spans.add("resource")
    spans.add("record", resource, trace_id=bytes(15) + b"\1")
    spans.add("record", resource)

    class Tested(Plugin):
        def __init__(self, config):
            self.column = Column("record.trace_id")

        def process(self, batch):
            assert batch.ids(self.column) == [bytes(15) + b"\1", None]
            count("seen", 2)

    tested = Harness(Tested, {})
    tested.process(spans)
    assert tested.counts == {"seen": 2}


def test_keys_that_only_the_data_knows_are_added():
    spans = batch("a", "b")
    harness(lambda self, batch: batch.add_attributes("record", [0, 1, 1], ["é", "in", "x"], [1, 2, 3])).process(spans)
    first, second = spans.left("record")
    assert first.attributes == {"in": "a", "é": 1}
    assert second.attributes == {"in": "b", "x": 3}


def test_rows_are_dropped_by_number():
    spans = batch("a", "b", "c")
    harness(lambda self, batch: batch.drop("record", (0, 2))).process(spans)
    assert [row.attributes["in"] for row in spans.left("record")] == ["b"]


def test_an_error_is_its_text_and_nothing_else():
    def process(self, batch):
        raise Error("no such tenant")

    with pytest.raises(Error) as raised:
        harness(process).process(batch("a"))
    assert str(raised.value) == "no such tenant"


def test_an_exception_is_one_line_that_says_where():
    def inner():
        return {}["nothing"]

    with pytest.raises(Error) as raised:
        harness(lambda self, batch: inner()).process(batch("a"))
    said = str(raised.value)
    assert said.startswith("KeyError: 'nothing' (at test_otlet_plugin.py:") and " inner, " in said and "\n" not in said


def test_an_unknown_column_refuses_the_config():
    class Tested(Plugin):
        def __init__(self, config):
            Column("spam.name")

    with pytest.raises(Error, match="unknown column"):
        Harness(Tested, {})


def test_what_is_logged_is_seen():
    tested = harness(lambda self, batch: log.warn("careful"))
    tested.process(batch("a"))
    assert tested.logged == [("warn", "careful")]
