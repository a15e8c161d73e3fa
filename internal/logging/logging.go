// Package logging makes the worker's logger, and the one through which the
// Temporal SDK writes to it.
package logging

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"

	sdklog "go.temporal.io/sdk/log"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

// Formats of the log.
const (
	JSON    = "json"    // one object per line
	Console = "console" // for people
)

// Levels and formats that New accepts.
var (
	Levels  = []string{"debug", "info", "warn", "error"}
	Formats = []string{JSON, Console}
)

// New returns a logger that writes lines to w.
func New(level, format string, w io.Writer) (*zap.Logger, error) {
	least, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, err
	}
	encoder, err := newEncoder(format)
	if err != nil {
		return nil, err
	}
	sink := zapcore.Lock(zapcore.AddSync(printable{w}))
	return zap.New(zapcore.NewCore(encoder, sink, least), zap.ErrorOutput(sink)), nil
}

func newEncoder(format string) (zapcore.Encoder, error) {
	layout := zap.NewProductionEncoderConfig()
	layout.TimeKey = "time"
	layout.EncodeTime = func(t time.Time, encoder zapcore.PrimitiveArrayEncoder) {
		zapcore.RFC3339NanoTimeEncoder(t.UTC().Truncate(time.Millisecond), encoder)
	}
	layout.EncodeDuration = zapcore.StringDurationEncoder
	switch format {
	case JSON:
		return zapcore.NewJSONEncoder(layout), nil
	case Console:
		layout.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		layout.EncodeLevel = zapcore.CapitalLevelEncoder
		return zapcore.NewConsoleEncoder(layout), nil
	}
	return nil, fmt.Errorf("unknown log format %q", format)
}

// ForTemporal returns a logger for the Temporal SDK that writes to logger.
func ForTemporal(logger *zap.Logger) sdklog.Logger {
	return sdklog.NewStructuredLogger(slog.New(zapslog.NewHandler(
		logger.Core(),
		zapslog.WithName("temporal"),
		// An activity's error is an event, not a bug in the line that logs it.
		zapslog.AddStacktraceAt(slog.Level(math.MaxInt)),
	)))
}
