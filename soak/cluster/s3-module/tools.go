//go:build tools

package s3

import (
	_ "github.com/johannesboyne/gofakes3/cmd/gofakes3"
)
