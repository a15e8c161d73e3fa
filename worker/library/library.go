// Package library is the worker for a program of your own, which gives it what no
// file can: a payload codec.
package library

import (
	"context"
	"io"

	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink/internal/worker"
)

// Options are what differs from the worker as it is released. The zero value is that
// worker.
type Options struct {
	// DataConverter encodes everything that the workers store in Temporal, and
	// decodes what callers send. It must read json/plain as well: links that were
	// started before it was in use have that.
	//
	// It runs within workflow tasks: one that waits for the network needs
	// workflow.DataConverterWithoutDeadlockDetection. It must bound what it
	// decodes: anybody who may start a workflow can send what expands to gigabytes.
	DataConverter converter.DataConverter
	// FailureConverter, if nil, encodes the details of failures with DataConverter
	// and leaves their messages readable. Set one with EncodeCommonAttributes to
	// encode those, too.
	FailureConverter converter.FailureConverter
}

// Run carries out the worker's command line, such as --config worker.toml, and
// returns the exit code. It ends when ctx does, after running calls have finished.
// It finds Temporal as the worker does, by TEMPORAL_ADDRESS and the like. One may run
// in a process at a time.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer, options Options) int {
	return worker.Run(ctx, args, stdout, stderr, options.DataConverter, options.FailureConverter)
}
