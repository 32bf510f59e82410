// Package export_otlet_plugin_processor is where the generated exports find the plugin. It is the one package of
// bindings that is written by hand.
package export_otlet_plugin_processor

import (
	"otlet/internal/fence"
	witRuntime "otlet/internal/wit/runtime"
	. "otlet/internal/wit/types"
)

// Describe gives the manifest.
func Describe() string {
	defer witRuntime.Unpin()
	return fence.Plugin.Describe()
}

// Configure takes the processor's config.
func Configure(config string) Result[Unit, string] {
	defer witRuntime.Unpin()
	return result(fence.Plugin.Configure(config))
}

// Process works on the batch in hand.
func Process() Result[Unit, string] {
	defer witRuntime.Unpin()
	return result(fence.Plugin.Process())
}

func result(err error) Result[Unit, string] {
	if err != nil {
		return Err[Unit](err.Error())
	}
	return Ok[Unit, string](Unit{})
}
