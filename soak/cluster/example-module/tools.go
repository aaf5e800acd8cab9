//go:build tools

package example

import (
	_ "go.gazette.dev/core/examples/stream-sum/chunker"
	_ "go.gazette.dev/core/examples/stream-sum/summer"
)
