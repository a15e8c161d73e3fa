package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	"go.uber.org/zap"

	"github.com/migrationlink/migrationlink/internal/logging"
	"github.com/migrationlink/migrationlink/redact"
)

func TestTheSDKWritesTheSameLinesAsTheWorker(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := logging.New("info", logging.JSON, &out)
	require.NoError(t, err)

	sdk := sdklog.With(logging.ForTemporal(logger), "TaskQueue", "migration-link")
	sdk.Debug("below the level")
	sdk.Error("Activity error.", "Error", errors.New("the manager said no"), "Attempt", 3)

	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line), "exactly one line")
	require.NotEmpty(t, line["time"])
	delete(line, "time")
	require.Equal(t, map[string]any{
		"level": "error", "logger": "temporal", "msg": "Activity error.",
		"TaskQueue": "migration-link", "Error": "the manager said no", "Attempt": 3.0,
	}, line)
}

func TestEveryLevelAndFormatThatIsOfferedWorks(t *testing.T) {
	t.Parallel()
	for _, level := range logging.Levels {
		for _, format := range logging.Formats {
			var out bytes.Buffer
			logger, err := logging.New(level, format, &out)
			require.NoError(t, err)
			logger.Error("seen")
			require.Contains(t, out.String(), "seen")
		}
	}
	_, err := logging.New("info", "xml", &bytes.Buffer{})
	require.Error(t, err)
	_, err = logging.New("loud", logging.JSON, &bytes.Buffer{})
	require.Error(t, err)
}

// hostile is what callers and managers may have written.
const hostile = "a\u202eb\u200bc\u009bd\x1be\x7ff\u3164g\x00h\u2066\\u001bi"

func TestTextFromOthersCannotControlATerminalThroughTheLog(t *testing.T) {
	t.Parallel()
	for _, format := range logging.Formats {
		var out bytes.Buffer
		logger, err := logging.New("info", format, &out)
		require.NoError(t, err)
		logger.Info(hostile+"\nforged", zap.String("text", hostile), zap.Error(errors.New(hostile)), zap.Strings("texts", []string{hostile}),
			zap.Any("any", map[string]string{hostile: hostile}), zap.String(hostile, "key"), zap.ByteString("bytes", []byte(hostile)))
		logging.ForTemporal(logger).Error(hostile, hostile, hostile, "Error", errors.New(hostile))

		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		require.Len(t, lines, 2, format)
		for _, line := range lines {
			for column := range strings.SplitSeq(line, "\t") {
				require.Equal(t, redact.Printable(column), column, format)
			}
			if format == logging.JSON {
				var fields map[string]any
				require.NoError(t, json.Unmarshal([]byte(line), &fields), line)
				require.NotContains(t, fmt.Sprint(fields), "\x1b")
				require.Contains(t, fmt.Sprint(fields["msg"]), `a b c d e f g h \u001bi`, "what was a text of six characters stays one")
			}
		}
	}
}

func TestOrdinaryLinesAreUnchanged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger, err := logging.New("info", logging.JSON, &out)
	require.NoError(t, err)
	const text = "Größe 組織 ✓\n\ttwo \\n \\\\u0000 lines \"x\""
	logger.Info("m", zap.String("text", text))
	var line struct{ Text string }
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, text, line.Text)
}

func TestTheStandardLoggerRepeatsNoText(t *testing.T) { //nolint:paralleltest // it is one for the process
	var out bytes.Buffer
	logger, err := logging.New("info", logging.JSON, &out)
	require.NoError(t, err)
	logging.TakeStandard(logger)
	defer log.SetOutput(os.Stderr)
	log.Print("Unsolicited response received on idle HTTP channel starting with \"s3cret\"")
	require.NotContains(t, out.String(), "s3cret")
	require.Contains(t, out.String(), `"level":"warn"`)
}
