package redact_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/migrationlink/migrationlink/redact"
)

// A server chooses the text and, by its cookies, most of the secrets. It is not parallel,
// as it measures the whole process.
func TestTheCostOfAHostileTextIsLinearInIt(t *testing.T) {
	// mostBytes is what may be allocated for each byte of a text: a view takes about 20, and
	// there are 85.
	const mostBytes, mostTime = 3 << 10, 3 * time.Second
	equal, growing, long := make([]redact.Secret, 16), make([]redact.Secret, 16), make([]redact.Secret, 16)
	for i := range equal {
		equal[i] = redact.NewSecret("UUUUUUUU")
		growing[i] = redact.NewSecret(strings.Repeat("U", 8+i))
		long[i] = redact.NewSecret(strings.Repeat("U", 700-i))
	}
	for name, secrets := range map[string][]redact.Secret{"equal": equal, "growing": growing, "long": long} {
		redact.Remove("", secrets...)
		for _, length := range []int{1 << 10, 8000} {
			text := `%25252541+&amp;amp;amp;\\\\\\\\` + strings.Repeat("V", length)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			removed := redact.Remove(text, secrets...)
			took := time.Since(begin)
			runtime.ReadMemStats(&after)
			require.NotContains(t, removed, "V", name)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(mostBytes*len(text)), "%s, %d", name, length)
			require.Less(t, took, mostTime, "%s, %d", name, length)
		}
	}
}

// The secrets of two characters overlap in all ways. Hits that overlap are one.
func TestHitsThatOverlapAreRemovedAsOne(t *testing.T) {
	t.Parallel()
	words := rapid.StringMatching(`[ab]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[abc]{0,60}`).Draw(t, "text")
		var secrets []redact.Secret
		from := map[int]int{} // the end of the longest hit that begins there
		for _, word := range rapid.SliceOfN(words, 1, 4).Draw(t, "secrets") {
			secrets = append(secrets, redact.NewSecret(word))
			for begin := range text {
				if strings.HasPrefix(text[begin:], word) {
					from[begin] = max(from[begin], begin+len(word))
				}
			}
		}
		var want strings.Builder
		end := 0
		for at := range text {
			if hit := from[at]; hit > 0 {
				if at >= end {
					want.WriteString("[redacted]")
				}
				end = max(end, hit)
			}
			if at >= end {
				want.WriteByte(text[at])
			}
		}
		require.Equal(t, want.String(), redact.Remove(text, secrets...))
	})
}
