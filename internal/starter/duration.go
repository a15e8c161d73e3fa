package starter

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink"
)

const day = 24 * time.Hour

var (
	withDays     = regexp.MustCompile(`^\+?([0-9]{1,6})d([0-9.].*)?$`)
	errTooLong   = errors.New("too long")
	longestInDay = int64((1<<63 - 1) / day)
)

// parseDuration is time.ParseDuration that also reads days, before the other units: 7d, 1d12h.
func parseDuration(text string) (time.Duration, error) {
	found := withDays.FindStringSubmatch(text)
	if found == nil {
		return time.ParseDuration(text)
	}
	var rest time.Duration
	if found[2] != "" {
		var err error
		if rest, err = time.ParseDuration(found[2]); err != nil {
			return 0, err
		}
	}
	days, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil || days > longestInDay {
		return 0, errTooLong
	}
	total := time.Duration(days)*day + rest
	if total < rest {
		return 0, errTooLong
	}
	return total, nil
}

// durationFlag is a flag of this program with a length of time.
type durationFlag time.Duration

func (d *durationFlag) Set(text string) error {
	parsed, err := parseDuration(text)
	*d = durationFlag(parsed)
	return err
}

// String leaves out units that are zero; nothing is left of zero itself.
func (d *durationFlag) String() string {
	text := time.Duration(*d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	if text == "0s" {
		return ""
	}
	return text
}

func (*durationFlag) Type() string { return "duration" }

// fieldDuration is a flag for a duration in a request. Requests hold durations as Go writes them,
// without days, so that every worker and every language reads them.
type fieldDuration migrationlink.Duration

// Set keeps a text that it cannot read: the contract names what is wrong with it.
func (d *fieldDuration) Set(text string) error {
	*d = fieldDuration(text)
	if parsed, err := parseDuration(text); err == nil && withDays.MatchString(text) {
		*d = fieldDuration(migrationlink.DurationOf(parsed))
	}
	return nil
}

func (d *fieldDuration) String() string { return string(*d) }

func (*fieldDuration) Type() string { return "duration" }
