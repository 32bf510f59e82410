package otlet

import (
	"otlet/internal/bindings/otlet_plugin_types"
	"otlet/internal/fence"
)

// Batch is the batch in hand, during Process. Its tables are "resource", "scope", "metric", "record" (spans, log records,
// data points), "event", "link" and "exemplar".
type Batch struct{}

// Signal is Traces, Metrics or Logs.
func (Batch) Signal() string { return fence.Host.Signal() }

// Rows is the number of rows of a table.
func (Batch) Rows(table string) int { return int(fence.Host.Rows(table)) }

// Parents gives, for each row of a table, its row in one above it: record to resource, event to span, point to metric.
func (Batch) Parents(table, above string) []uint32 { return fence.Host.Parents(table, above) }

// Keys gives every distinct attribute key of a table.
func (Batch) Keys(table string) []string { return fence.Host.Keys(table) }

// Drop drops rows of a table, named ascending. Row numbers hold until Process returns.
func (Batch) Drop(table string, rows []uint32) {
	if len(rows) > 0 {
		fence.Host.DropRows(table, rows)
	}
}

// Unset removes attributes, or clears fields, of several columns.
func (Batch) Unset(rows Rows, columns ...Column) {
	numbers := make([]uint32, len(columns))
	for i, column := range columns {
		numbers[i] = uint32(column)
	}
	fence.Host.Unset(numbers, rows.rows)
}

// AddAttributes gives row rows[i] of a table the attribute keys[i] with values[i], unless it has one of that key. For keys
// that are in the data; those known beforehand are columns.
func (Batch) AddAttributes(table string, rows []uint32, keys []string, values []Value) {
	fence.Host.AddAttributes(table, rows, pack(keys), values)
}

// Leaves is every string, key, number, boolean or bytes value of some tables: see the contract.
type Leaves struct {
	Texts      Texts
	Rows       []uint32
	Places     []uint32
	PlacePaths []string
	PlaceKinds []string
}

// Leaves gives every leaf of these tables and kinds: "text", "key", "integer", "double", "boolean", "bytes".
func (Batch) Leaves(tables, kinds []string) Leaves {
	leaves := fence.Host.AllLeaves(tables, kinds)
	return Leaves{texts(leaves.Texts), leaves.Rows, leaves.Places, leaves.PlacePaths, leaves.PlaceKinds}
}

// ReplaceLeaves puts other texts in the place of leaves, named ascending; nil removes one.
func (Batch) ReplaceLeaves(leaves []uint32, texts []*string) {
	fence.Host.ReplaceLeaves(leaves, packOptional(texts))
}

// OTLP is the whole batch as an OTLP export request.
func (Batch) OTLP() []byte { return fence.Host.ToOtlp() }

// Replace puts another export request in the batch's place, which ends all row and leaf numbers.
func (Batch) Replace(request []byte) error { return fence.Host.ReplaceWithOtlp(request) }

// Value is the value of an attribute, or a log's body: one of the types of OTLP, with arrays and maps as JSON.
type Value = otlet_plugin_types.Value

// What a Value's Tag says it is.
const (
	KindEmpty   = otlet_plugin_types.ValueEmpty
	KindText    = otlet_plugin_types.ValueText
	KindBoolean = otlet_plugin_types.ValueBoolean
	KindInteger = otlet_plugin_types.ValueInteger
	KindDouble  = otlet_plugin_types.ValueDouble
	KindBytes   = otlet_plugin_types.ValueBytes
	KindJSON    = otlet_plugin_types.ValueJson
)

// Empty is the value of an attribute without one.
func Empty() Value { return otlet_plugin_types.MakeValueEmpty() }

// Text is a string.
func Text(text string) Value { return otlet_plugin_types.MakeValueText(text) }

// Boolean is a boolean.
func Boolean(b bool) Value { return otlet_plugin_types.MakeValueBoolean(b) }

// Integer is an integer.
func Integer(i int64) Value { return otlet_plugin_types.MakeValueInteger(i) }

// Double is a floating-point number.
func Double(f float64) Value { return otlet_plugin_types.MakeValueDouble(f) }

// Bytes is bytes.
func Bytes(b []byte) Value { return otlet_plugin_types.MakeValueBytes(b) }

// JSON is an array or a map.
func JSON(text string) Value { return otlet_plugin_types.MakeValueJson(text) }
