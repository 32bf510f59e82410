//go:build wasip1

package runtime

import "unsafe"

// The host calls it for what it hands over; Go's garbage collector may run in it.
//
//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, newSize uintptr) unsafe.Pointer {
	memory := Allocate(&given, newSize, align)
	if old != nil && memory != nil {
		copy(unsafe.Slice((*byte)(memory), newSize), unsafe.Slice((*byte)(old), oldSize))
	}
	return memory
}
