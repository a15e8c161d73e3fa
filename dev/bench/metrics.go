package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// families are the metrics of a process at one moment, by name.
type families map[string]*dto.MetricFamily

var httpClient = &http.Client{Timeout: time.Minute}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil) //nolint:gosec // its own processes
	if err != nil {
		return nil, err
	}
	response, err := httpClient.Do(request) //nolint:gosec // likewise
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return response, nil
}

func scrape(ctx context.Context, url string) (families, error) {
	response, err := get(ctx, url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(response.Body)
}

// value returns the sum of all samples of a metric without histograms.
func (f families) value(name string) float64 {
	var sum float64
	for _, sample := range f[name].GetMetric() {
		sum += sample.GetGauge().GetValue() + sample.GetCounter().GetValue() + sample.GetUntyped().GetValue()
	}
	return sum
}

// by returns the samples of a counter that fit, summed up by the value of a label.
func (f families) by(name, label string, fits func(map[string]string) bool) map[string]float64 {
	sums := map[string]float64{}
	for _, sample := range f[name].GetMetric() {
		labels := labelsOf(sample)
		if fits(labels) {
			sums[labels[label]] += sample.GetCounter().GetValue()
		}
	}
	return sums
}

func labelsOf(sample *dto.Metric) map[string]string {
	labels := map[string]string{}
	for _, pair := range sample.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	return labels
}

// histogram is a cumulative histogram, by upper bound.
type histogram struct {
	bounds []float64
	counts []float64
}

// histogram returns the sum of the histograms that fit.
func (f families) histogram(name string, fits func(map[string]string) bool) histogram {
	var sum histogram
	for _, sample := range f[name].GetMetric() {
		if !fits(labelsOf(sample)) {
			continue
		}
		buckets := sample.GetHistogram().GetBucket()
		if sum.bounds == nil {
			sum.bounds, sum.counts = make([]float64, len(buckets)), make([]float64, len(buckets))
		}
		for i, bucket := range buckets {
			sum.bounds[i] = bucket.GetUpperBound()
			sum.counts[i] += float64(bucket.GetCumulativeCount())
		}
	}
	return sum
}

// since returns what was added after an earlier histogram.
func (h histogram) since(before histogram) histogram {
	added := histogram{bounds: h.bounds, counts: slices.Clone(h.counts)}
	for i := range before.counts {
		added.counts[i] -= before.counts[i]
	}
	return added
}

// quantile interpolates within a bucket, as PromQL does.
func (h histogram) quantile(q float64) float64 {
	if len(h.counts) == 0 || h.counts[len(h.counts)-1] == 0 {
		return 0
	}
	rank := q * h.counts[len(h.counts)-1]
	var lower, below float64
	for i, count := range h.counts {
		if count >= rank {
			return lower + (h.bounds[i]-lower)*(rank-below)/max(count-below, 1)
		}
		lower, below = h.bounds[i], count
	}
	return lower
}
