//go:build wasip1

package fence

import (
	"errors"

	batch "otlet/internal/bindings/otlet_plugin_batch"
	host "otlet/internal/bindings/otlet_plugin_host"
	types "otlet/internal/bindings/otlet_plugin_types"
	. "otlet/internal/wit/types"
)

func init() { Host = otlet{} }

// otlet is the host of a component. The methods only turn the generated types into Go's.
type otlet struct{}

func (otlet) Column(path string) (uint32, error) {
	result := batch.Column(path)
	if result.Tag() == ResultErr {
		return 0, errors.New(result.Err())
	}
	return result.Ok(), nil
}

func (otlet) Get(column, row uint32) (types.Value, bool) {
	value := batch.Get(column, row)
	return value.Some(), value.Tag() == OptionSome
}

func (otlet) ReplaceWithOtlp(request []byte) error {
	if result := batch.ReplaceWithOtlp(request); result.Tag() == ResultErr {
		return errors.New(result.Err())
	}
	return nil
}

func (otlet) Signal() string                                { return batch.Signal() }
func (otlet) Rows(table string) uint32                      { return batch.Rows(table) }
func (otlet) Parents(table, above string) []uint32          { return batch.Parents(table, above) }
func (otlet) Keys(table string) []string                    { return batch.Keys(table) }
func (otlet) Packed(column uint32) types.PackedTexts        { return batch.Packed(column) }
func (otlet) Integers(column uint32) types.PackedIntegers   { return batch.Integers(column) }
func (otlet) Doubles(column uint32) types.PackedDoubles     { return batch.Doubles(column) }
func (otlet) Ids(column uint32) []byte                      { return batch.Ids(column) }
func (otlet) Retain(table string, mask []byte)              { batch.Retain(table, mask) }
func (otlet) DropRows(table string, rows []uint32)          { batch.DropRows(table, rows) }
func (otlet) AllLeaves(tables, kinds []string) types.Leaves { return batch.AllLeaves(tables, kinds) }
func (otlet) ToOtlp() []byte                                { return batch.ToOtlp() }

func (otlet) SetPacked(column uint32, rows *[]uint32, texts types.PackedTexts) {
	batch.SetPacked(column, option(rows), texts)
}

func (otlet) SetValues(column uint32, rows *[]uint32, values []types.Value) {
	batch.SetValues(column, option(rows), values)
}

func (otlet) SetIds(column uint32, rows *[]uint32, ids []byte) {
	batch.SetIds(column, option(rows), ids)
}

func (otlet) Fill(column uint32, rows *[]uint32, value types.Value) {
	batch.Fill(column, option(rows), value)
}

func (otlet) Unset(columns []uint32, rows *[]uint32) {
	batch.Unset(columns, option(rows))
}

func (otlet) AddAttributes(table string, rows []uint32, keys types.PackedTexts, values []types.Value) {
	batch.AddAttributes(table, rows, keys, values)
}

func (otlet) Copy(source, target uint32, rows *[]uint32) {
	batch.Copy(source, target, option(rows))
}

func (otlet) ReplaceLeaves(leaves []uint32, texts types.PackedTexts) {
	batch.ReplaceLeaves(leaves, texts)
}

func (otlet) Log(level, message string)     { host.Log(level, message) }
func (otlet) Count(name string, add uint32) { host.Count(name, add) }
func (otlet) Now() uint64                   { return host.Now() }
func (otlet) Random(length uint32) []byte   { return host.Random(length) }
func (otlet) Seed() []byte                  { return host.Seed() }

func option(rows *[]uint32) Option[[]uint32] {
	if rows == nil {
		return None[[]uint32]()
	}
	return Some(*rows)
}
