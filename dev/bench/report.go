package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
)

// row is one number of the report.
type row struct {
	Scenario  string  `json:"scenario"`
	Contender string  `json:"contender"`
	What      string  `json:"what"`
	Value     float64 `json:"value"` // the median if there are several
	Unit      string  `json:"unit,omitempty"`
	// Min and Max are the spread of a number that was measured several times.
	Min     float64 `json:"min,omitempty"`
	Max     float64 `json:"max,omitempty"`
	Samples int     `json:"samples,omitempty"`
}

// report collects the rows of a run, and prints each as soon as it is there.
type report struct {
	Links   int               `json:"links"`
	Rounds  int               `json:"rounds"`
	Version string            `json:"version"`
	Config  map[string]string `json:"config,omitempty"`
	Rows    []row             `json:"rows"`
	// Operations are the store requests of one link, by contender and operation.
	Operations map[string]map[string]float64 `json:"operations,omitempty"`
	log        func(format string, args ...any)
}

// add adds an exact number.
func (r *report) add(scenario, contender, what string, value float64, unit string) {
	r.append(row{Scenario: scenario, Contender: contender, What: what, Value: value, Unit: unit})
}

// addSpread adds a number that was measured several times.
func (r *report) addSpread(scenario, contender, what string, values []float64, unit string) {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return
	}
	r.append(row{
		Scenario: scenario, Contender: contender, What: what, Unit: unit,
		Value: quantile(sorted, 0.5), Min: sorted[0], Max: sorted[len(sorted)-1], Samples: len(sorted),
	})
}

func (r *report) append(added row) {
	r.log("%s: %s, %s: %s %s", added.Scenario, added.Contender, added.What, round(added.Value), added.Unit)
	r.Rows = append(r.Rows, added)
}

// find returns a row.
func (r *report) find(scenario, contender, what string) (row, bool) {
	i := slices.IndexFunc(r.Rows, func(row row) bool {
		return row.Scenario == scenario && row.Contender == contender && row.What == what
	})
	if i < 0 {
		return row{}, false
	}
	return r.Rows[i], true
}

// writeTable writes all rows for people.
func (r *report) writeTable(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "scenario\tcontender\twhat\tvalue\tspread\tgoal")
	for _, row := range r.Rows {
		spread := ""
		if row.Samples > 1 {
			spread = fmt.Sprintf("%s..%s (%d)", round(row.Min), round(row.Max), row.Samples)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s %s\t%s\t%s\n", row.Scenario, row.Contender, row.What, round(row.Value), row.Unit, spread, verdict(row))
	}
	return table.Flush()
}

// verdict compares a row with its goal, if it has one.
func verdict(measured row) string {
	for _, goal := range goals {
		if goal.isFor(measured) {
			return goal.judge(measured.Value)
		}
	}
	return ""
}

func (r *report) writeJSON(file string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(content, '\n'), 0o600)
}

// quantile returns the nearest of sorted values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	if q == 0.5 && len(sorted)%2 == 0 {
		return (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// round keeps three significant digits, and all of an integer.
func round(value float64) string {
	if value == float64(int64(value)) {
		return strconv.FormatInt(int64(value), 10)
	}
	if value >= 100 || value <= -100 {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'g', 3, 64)
}
