// Package chaos runs the programs under faults and checks every promise: see
// docs/explanation/reliability.md. `make chaos` runs the campaign. Its oracle reads only Temporal's
// histories and the evidence of the simulated manager.
package chaos
