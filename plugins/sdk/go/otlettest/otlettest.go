// Package otlettest runs a plugin natively, over rows that a test wrote: `go test` needs no WebAssembly. It is no second
// otlet: it keeps what it is told, checks nothing against OTLP, and panics at what it does not have.
package otlettest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"otlet/internal/bindings/otlet_plugin_types"
	"otlet/internal/fence"
)

// Row is a row of a table: a value for each path that it has, and, by the name of a table above, its row there.
//
//	otlettest.Row{"resource": 0, "span.name": "GET /"}
type Row map[string]any

// Batch is a batch of rows, table by table.
type Batch struct {
	Signal string
	Tables map[string][]Row

	// Logged are the lines that the plugin wrote, each with its level before it.
	Logged []string
	// Counted are the plugin's counters.
	Counted map[string]int

	paths   []string
	dropped map[string][]uint32
}

// Manifest is what the plugin says of itself.
func Manifest() string { return fence.Plugin.Describe() }

// Run configures the plugin of this program and lets it work on the batch.
func Run(config string, batch *Batch) error {
	batch.Counted = map[string]int{}
	batch.dropped = map[string][]uint32{}
	batch.paths = nil
	fence.Host = batch.host()
	if err := fence.Plugin.Configure(config); err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	if err := fence.Plugin.Process(); err != nil {
		return fmt.Errorf("process: %w", err)
	}
	for table, rows := range batch.Tables {
		kept := []Row{}
		for number, row := range rows {
			if !slices.Contains(batch.dropped[table], uint32(number)) {
				kept = append(kept, row)
			}
		}
		batch.Tables[table] = kept
	}
	return nil
}

func (b *Batch) host() fence.Imports { return &host{Batch: b} }

// host leaves out of fence.Imports what no test has needed: it is nil there, and panics.
type host struct {
	fence.Imports
	*Batch
}

func (h *host) Column(path string) (uint32, error) {
	table, _, found := strings.Cut(path, ".")
	if !found {
		return 0, fmt.Errorf("%q is no path of a column", table)
	}
	h.paths = append(h.paths, path)
	return uint32(len(h.paths) - 1), nil
}

// table is the table of a column: spans, log records and data points are records.
func (h *host) rows(column uint32) (rows []Row, path string) {
	path = h.paths[column]
	table, _, _ := strings.Cut(path, ".")
	signal, of := map[string]string{"span": "traces", "log": "logs", "datapoint": "metrics"}[table]
	if of {
		table = "record"
	}
	rows = h.Tables[table]
	if of && signal != h.Batch.Signal {
		rows = make([]Row, len(rows))
	}
	return rows, path
}

func (h *host) Signal() string           { return h.Batch.Signal }
func (h *host) Rows(table string) uint32 { return uint32(len(h.Tables[table])) }

func (h *host) Parents(table, above string) []uint32 {
	parents := []uint32{}
	for _, row := range h.Tables[table] {
		parent, _ := row[above].(int)
		parents = append(parents, uint32(parent))
	}
	return parents
}

func (h *host) Packed(column uint32) otlet_plugin_types.PackedTexts {
	rows, path := h.rows(column)
	packed := otlet_plugin_types.PackedTexts{Present: make([]uint8, (len(rows)+7)/8)}
	for number, row := range rows {
		if text, ok := row[path].(string); ok {
			packed.Data = append(packed.Data, text...)
			packed.Present[number/8] |= 1 << (number % 8)
		}
		packed.Ends = append(packed.Ends, uint32(len(packed.Data)))
	}
	return packed
}

func (h *host) Integers(column uint32) otlet_plugin_types.PackedIntegers {
	items, present := numbers[int64](h, column)
	return otlet_plugin_types.PackedIntegers{Items: items, Present: present}
}

func (h *host) Doubles(column uint32) otlet_plugin_types.PackedDoubles {
	items, present := numbers[float64](h, column)
	return otlet_plugin_types.PackedDoubles{Items: items, Present: present}
}

func numbers[N int64 | float64](h *host, column uint32) (items []N, present []uint8) {
	rows, path := h.rows(column)
	present = make([]uint8, (len(rows)+7)/8)
	for number, row := range rows {
		item, ok := row[path].(N)
		if ok {
			present[number/8] |= 1 << (number % 8)
		}
		items = append(items, item)
	}
	return items, present
}

func (h *host) SetPacked(column uint32, rows *[]uint32, texts otlet_plugin_types.PackedTexts) {
	all, path := h.rows(column)
	var start uint32
	for i, row := range chosen(all, rows) {
		if texts.Present[i/8]&(1<<(i%8)) != 0 {
			row[path] = string(texts.Data[start:texts.Ends[i]])
		}
		start = texts.Ends[i]
	}
}

func (h *host) SetValues(column uint32, rows *[]uint32, values []otlet_plugin_types.Value) {
	all, path := h.rows(column)
	for i, row := range chosen(all, rows) {
		row[path] = plain(values[i])
	}
}

func (h *host) Fill(column uint32, rows *[]uint32, value otlet_plugin_types.Value) {
	all, path := h.rows(column)
	for _, row := range chosen(all, rows) {
		row[path] = plain(value)
	}
}

func (h *host) Unset(columns []uint32, rows *[]uint32) {
	for _, column := range columns {
		all, path := h.rows(column)
		for _, row := range chosen(all, rows) {
			delete(row, path)
		}
	}
}

func (h *host) DropRows(table string, rows []uint32) {
	h.dropped[table] = append(h.dropped[table], rows...)
}

func (h *host) Log(level, message string) {
	h.Logged = append(h.Logged, level+": "+message)
}

func (h *host) Count(name string, add uint32) { h.Counted[name] += int(add) }
func (h *host) Now() uint64                   { return uint64(time.Now().UnixMilli()) }
func (h *host) Random(length uint32) []byte   { return make([]byte, length) }
func (h *host) Seed() []byte                  { return make([]byte, 32) }

func chosen(all []Row, rows *[]uint32) []Row {
	if rows == nil {
		return all
	}
	some := []Row{}
	for _, row := range *rows {
		some = append(some, all[row])
	}
	return some
}

func plain(value otlet_plugin_types.Value) any {
	switch value.Tag() {
	case otlet_plugin_types.ValueText:
		return value.Text()
	case otlet_plugin_types.ValueBoolean:
		return value.Boolean()
	case otlet_plugin_types.ValueInteger:
		return value.Integer()
	case otlet_plugin_types.ValueDouble:
		return value.Double()
	case otlet_plugin_types.ValueBytes:
		return value.Bytes()
	case otlet_plugin_types.ValueJson:
		return value.Json()
	default:
		return nil
	}
}
