//go:build wasip1

package otlet

// What the host calls.
import _ "otlet/internal/bindings/wit_exports"
