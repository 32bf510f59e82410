// Package wit_types is what the generated bindings ask of go.bytecodealliance.org/pkg/wit/types.
package wit_types

// Unit is nothing.
type Unit struct{}

// The tags of an Option.
const (
	OptionNone = 0
	OptionSome = 1
)

// Option is a value or none.
type Option[T any] struct {
	tag   uint8
	value T
}

// Some is an option with a value.
func Some[T any](value T) Option[T] { return Option[T]{OptionSome, value} }

// None is an option without.
func None[T any]() Option[T] { return Option[T]{} }

// Tag tells which it is.
func (o Option[T]) Tag() uint8 { return o.tag }

// Some is the value; of none, the zero value.
func (o Option[T]) Some() T { return o.value }

// The tags of a Result.
const (
	ResultOk  = 0
	ResultErr = 1
)

// Result is a value or an error.
type Result[T, E any] struct {
	tag uint8
	ok  T
	err E
}

// Ok is a result that went well.
func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{tag: ResultOk, ok: value} }

// Err is one that did not.
func Err[T, E any](err E) Result[T, E] { return Result[T, E]{tag: ResultErr, err: err} }

// Tag tells which it is.
func (r Result[T, E]) Tag() uint8 { return r.tag }

// Ok is the value; of an error, the zero value.
func (r Result[T, E]) Ok() T { return r.ok }

// Err is the error; of a value, the zero value.
func (r Result[T, E]) Err() E { return r.err }
