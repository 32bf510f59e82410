package otlet

import (
	"fmt"

	"otlet/internal/fence"
)

// Debug, Info, Warn and Error write a line to the host's log, under the plugin's name.
func Debug(format string, values ...any) { log("debug", format, values) }

// Info writes a line: see Debug.
func Info(format string, values ...any) { log("info", format, values) }

// Warn writes a line: see Debug.
func Warn(format string, values ...any) { log("warn", format, values) }

// Error writes a line: see Debug.
func Error(format string, values ...any) { log("error", format, values) }

func log(level, format string, values []any) {
	fence.Host.Log(level, fmt.Sprintf(format, values...))
}

// Count adds to a counter that the host exports under the plugin's name; zero makes none.
func Count(name string, add int) {
	if add > 0 {
		fence.Host.Count(name, uint32(add))
	}
}

// Now is the number of milliseconds since the Unix epoch.
func Now() uint64 { return fence.Host.Now() }

// Random gives random bytes, at most 65,536.
func Random(length int) []byte { return fence.Host.Random(uint32(length)) }

// Seed is 32 random bytes, the same for every instance of this plugin until the host ends.
func Seed() []byte { return fence.Host.Seed() }
