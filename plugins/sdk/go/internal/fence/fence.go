// Package fence is both sides of the border as plain Go: what the host calls and what it offers. A component's host is
// otlet; a test's is otlettest.
package fence

import "otlet/internal/bindings/otlet_plugin_types"

// Exports is what the host calls.
type Exports interface {
	Describe() string
	Configure(config string) error
	Process() error
}

// Plugin is the plugin of this program, set by otlet.Register.
var Plugin Exports

// Imports is what the host offers: the interfaces batch and host of the contract. Rows that are nil are every row.
type Imports interface {
	Column(path string) (uint32, error)
	Signal() string
	Rows(table string) uint32
	Parents(table, above string) []uint32
	Keys(table string) []string
	Packed(column uint32) otlet_plugin_types.PackedTexts
	Integers(column uint32) otlet_plugin_types.PackedIntegers
	Doubles(column uint32) otlet_plugin_types.PackedDoubles
	Ids(column uint32) []byte
	Get(column, row uint32) (otlet_plugin_types.Value, bool)
	SetPacked(column uint32, rows *[]uint32, texts otlet_plugin_types.PackedTexts)
	SetValues(column uint32, rows *[]uint32, values []otlet_plugin_types.Value)
	SetIds(column uint32, rows *[]uint32, ids []byte)
	Fill(column uint32, rows *[]uint32, value otlet_plugin_types.Value)
	Unset(columns []uint32, rows *[]uint32)
	AddAttributes(table string, rows []uint32, keys otlet_plugin_types.PackedTexts, values []otlet_plugin_types.Value)
	Copy(source, target uint32, rows *[]uint32)
	Retain(table string, mask []byte)
	DropRows(table string, rows []uint32)
	AllLeaves(tables, kinds []string) otlet_plugin_types.Leaves
	ReplaceLeaves(leaves []uint32, texts otlet_plugin_types.PackedTexts)
	ToOtlp() []byte
	ReplaceWithOtlp(request []byte) error

	Log(level, message string)
	Count(name string, add uint32)
	Now() uint64
	Random(length uint32) []byte
	Seed() []byte
}

// Host is the host of this program.
var Host Imports
