package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"

	"github.com/migrationlink/migrationlink/internal/logging"
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
