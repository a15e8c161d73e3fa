package telemetry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAGaugeIsReadSoonAfterAFailureAndSeldomWhenThatTakesLong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		takes time.Duration
		fails error
		want  time.Duration // from one reading to the next
	}{
		"quick":         {0, nil, 10 * time.Second},
		"slow":          {5 * time.Second, nil, 20 * time.Second},
		"fails at once": {0, errors.New("away"), time.Second},
		"fails late":    {5 * time.Second, errors.New("away"), 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				var began []time.Time
				gauge := Gauge{Every: 10 * time.Second, Limit: time.Minute, Read: func(ctx context.Context) ([]Sample, error) {
					began = append(began, time.Now())
					select {
					case <-ctx.Done():
					case <-time.After(test.takes):
					}
					return nil, test.fails
				}}
				go gauge.follow(ctx, func(samples *[]Sample) { require.Equal(t, test.fails == nil, samples != nil) })
				<-time.After(2*test.want + time.Millisecond)
				stop()
				synctest.Wait()
				require.Len(t, began, 3)
				require.Equal(t, test.want, began[2].Sub(began[1]))
			})
		})
	}
}
