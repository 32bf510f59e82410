package otlet

import (
	"iter"
	"strings"

	"otlet/internal/bindings/otlet_plugin_types"
	"otlet/internal/fence"
)

// Column is a column of a table: an attribute or a field. Its methods work on the batch in hand.
type Column uint32

// Open opens a column by its path, as `resource.attributes["service.name"]` or `span.name`. Call it in configure.
func Open(path string) (Column, error) {
	column, err := fence.Host.Column(path)
	return Column(column), err
}

// OpenAttribute opens the column of an attribute whose key is not known beforehand.
func OpenAttribute(table, key string) (Column, error) {
	return Open(table + `.attributes["` + quote.Replace(key) + `"]`)
}

var quote = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Rows says which rows are written.
type Rows struct{ rows *[]uint32 }

// Every is every row.
var Every = Rows{}

// Only is these rows, ascending.
func Only(rows ...uint32) Rows {
	if rows == nil {
		rows = []uint32{}
	}
	return Rows{&rows}
}

// Texts reads a column of text, one entry a row. A value of another type is absent.
func (c Column) Texts() Texts { return texts(fence.Host.Packed(uint32(c))) }

// Integers reads a column of integers.
func (c Column) Integers() Numbers[int64] {
	packed := fence.Host.Integers(uint32(c))
	return Numbers[int64]{packed.Items, packed.Present}
}

// Doubles reads a column of numbers.
func (c Column) Doubles() Numbers[float64] {
	packed := fence.Host.Doubles(uint32(c))
	return Numbers[float64]{packed.Items, packed.Present}
}

// IDs reads a column of trace or span ids: 16 or 8 bytes a row, zeros where there is none.
func (c Column) IDs() []byte { return fence.Host.Ids(uint32(c)) }

// Value reads one value, of any type.
func (c Column) Value(row uint32) (Value, bool) { return fence.Host.Get(uint32(c), row) }

// SetTexts writes one text for each of these rows.
func (c Column) SetTexts(rows Rows, texts []string) {
	fence.Host.SetPacked(uint32(c), rows.rows, pack(texts))
}

// SetValues writes one value for each of these rows.
func (c Column) SetValues(rows Rows, values []Value) {
	fence.Host.SetValues(uint32(c), rows.rows, values)
}

// SetIDs writes 16 or 8 bytes for each of these rows.
func (c Column) SetIDs(rows Rows, ids []byte) { fence.Host.SetIds(uint32(c), rows.rows, ids) }

// Fill writes the same value into all these rows: the cheapest edit.
func (c Column) Fill(rows Rows, value Value) { fence.Host.Fill(uint32(c), rows.rows, value) }

// CopyTo writes the column into another, of the same table or of one below.
func (c Column) CopyTo(target Column, rows Rows) {
	fence.Host.Copy(uint32(c), uint32(target), rows.rows)
}

// Unset removes the attribute, or clears the field.
func (c Column) Unset(rows Rows) { Batch{}.Unset(rows, c) }

// Texts is a column of texts, one entry a row. A text that is kept keeps its column.
type Texts struct {
	data    string
	ends    []uint32
	present []uint8
}

func texts(packed otlet_plugin_types.PackedTexts) Texts {
	return Texts{string(packed.Data), packed.Ends, packed.Present}
}

// Len is the number of rows.
func (t Texts) Len() int { return len(t.ends) }

// At is the text of a row, if it has one.
func (t Texts) At(row int) (string, bool) {
	var start uint32
	if row > 0 {
		start = t.ends[row-1]
	}
	return t.data[start:t.ends[row]], isSet(t.present, row)
}

// All gives the rows that have a text.
func (t Texts) All() iter.Seq2[uint32, string] {
	return func(yield func(uint32, string) bool) {
		for row := range t.ends {
			if text, ok := t.At(row); ok && !yield(uint32(row), text) {
				return
			}
		}
	}
}

// Numbers is a column of numbers, one entry a row.
type Numbers[N int64 | float64] struct {
	items   []N
	present []uint8
}

// Len is the number of rows.
func (n Numbers[N]) Len() int { return len(n.items) }

// At is the number of a row, if it has one.
func (n Numbers[N]) At(row int) (N, bool) { return n.items[row], isSet(n.present, row) }

// All gives the rows that have a number.
func (n Numbers[N]) All() iter.Seq2[uint32, N] {
	return func(yield func(uint32, N) bool) {
		for row := range n.items {
			if number, ok := n.At(row); ok && !yield(uint32(row), number) {
				return
			}
		}
	}
}

func isSet(bits []uint8, row int) bool { return bits[row/8]&(1<<(row%8)) != 0 }

func pack(texts []string) otlet_plugin_types.PackedTexts {
	packed := newPacked(len(texts))
	for row, text := range texts {
		add(&packed, row, &text)
	}
	return packed
}

func packOptional(texts []*string) otlet_plugin_types.PackedTexts {
	packed := newPacked(len(texts))
	for row, text := range texts {
		add(&packed, row, text)
	}
	return packed
}

func newPacked(rows int) otlet_plugin_types.PackedTexts {
	return otlet_plugin_types.PackedTexts{Ends: make([]uint32, rows), Present: make([]uint8, (rows+7)/8)}
}

func add(packed *otlet_plugin_types.PackedTexts, row int, text *string) {
	if text != nil {
		packed.Data = append(packed.Data, *text...)
		packed.Present[row/8] |= 1 << (row % 8)
	}
	packed.Ends[row] = uint32(len(packed.Data))
}
