// Package logging makes the worker's logger, and the one through which the
// Temporal SDK writes to it.
package logging

import (
	"fmt"
	"io"
	"log"
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

// TakeStandard makes the standard logger write to a logger, without its texts: net/http quotes there
// what a server has sent after its reply, which may hold a secret.
func TakeStandard(logger *zap.Logger) {
	log.SetFlags(0)
	log.SetOutput(standard{logger})
}

type standard struct{ logger *zap.Logger }

// Write logs that there was a line.
func (s standard) Write(line []byte) (int, error) {
	s.logger.Warn("a library reported a problem whose text may hold a secret", zap.Int("bytes", len(line)))
	return len(line), nil
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
