// Package otlet writes plugins for otlet in Go. It speaks version 0.1.0 of the contract (wit/plugin.wit), whose comments
// are the reference of every function here. A plugin is a package main:
//
//	func init() { otlet.Register(manifest, configure) }
//	func main() {}
//
// where configure is given the processor's config and gives something with a method Process.
package otlet

import (
	"encoding/json"
	"fmt"

	"otlet/internal/fence"
)

// The signals.
const (
	Traces  = "traces"
	Metrics = "metrics"
	Logs    = "logs"
)

// Manifest is what a plugin says of itself. Every field may be left out.
type Manifest struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	// Signals are those that the plugin works on; none is all.
	Signals []string `json:"signals,omitempty"`
	// ConfigSchema is the JSON Schema of the config: the host checks it before Register's function sees the config.
	ConfigSchema json.RawMessage `json:"config_schema,omitempty"`
	// OnError is what happens to a batch that the plugin fails on, unless the processor says otherwise: "pass", "drop",
	// "reject" or "dead_letter".
	OnError string `json:"on_error,omitempty"`
	// AddsText says that the plugin may write text from its config or from another place of the batch.
	AddsText bool `json:"adds_text,omitempty"`
}

// Plugin is one processor, configured.
type Plugin interface {
	// Process works on the batch in hand. On an error the batch is what it was before.
	Process(batch Batch) error
}

// Register makes a plugin of a manifest and a function that is given the config, once an instance. C is what
// encoding/json makes of it. Call it once, in an init of package main.
func Register[C any](manifest Manifest, configure func(config C) (Plugin, error)) {
	fence.Plugin = &registered[C]{manifest: manifest, configure: configure}
}

type registered[C any] struct {
	manifest  Manifest
	configure func(config C) (Plugin, error)
	plugin    Plugin
}

func (r *registered[C]) Describe() string {
	text, err := json.Marshal(r.manifest)
	if err != nil {
		panic(fmt.Sprintf("the manifest is no JSON: %v", err))
	}
	return string(text)
}

func (r *registered[C]) Configure(text string) error {
	var config C
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	plugin, err := r.configure(config)
	r.plugin = plugin
	return err
}

func (r *registered[C]) Process() error {
	return r.plugin.Process(Batch{})
}
