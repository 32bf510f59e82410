// Package runtime is what the generated bindings ask of go.bytecodealliance.org/pkg/wit/runtime, so that a plugin needs
// nothing but the standard library.
package runtime

import (
	"runtime"
	"unsafe"
)

// given holds what the host was given memory for until the call in hand has read it.
var given runtime.Pinner

// Unpin lets the garbage collector have what the host was given since the last call: at the end of every call, or it is
// kept for ever. What Go values point to by then they keep themselves.
func Unpin() {
	given.Unpin()
}

// Allocate gives memory that stays where it is until the pinner lets go of it.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	words := (size + align - 1) / align
	var memory unsafe.Pointer
	switch align {
	case 1:
		memory = unsafe.Pointer(unsafe.SliceData(make([]uint8, words)))
	case 2:
		memory = unsafe.Pointer(unsafe.SliceData(make([]uint16, words)))
	case 4:
		memory = unsafe.Pointer(unsafe.SliceData(make([]uint32, words)))
	default:
		memory = unsafe.Pointer(unsafe.SliceData(make([]uint64, words)))
	}
	pinner.Pin(memory)
	return memory
}
