package opsmanagertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// controlHandler offers the Go methods of Manager over HTTP. It requires no credentials:
// use it on loopback.
func (m *Manager) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, frontPage(m.options)) })
	mux.HandleFunc("GET /simulator/state", func(w http.ResponseWriter, _ *http.Request) { show(w, m.State()) })
	mux.HandleFunc("PUT /simulator/orgs/{orgId}", m.putOrg)
	mux.HandleFunc("PUT /simulator/faults", m.changeFaults(m.SetFaults))
	mux.HandleFunc("POST /simulator/faults", m.changeFaults(m.AddFaults))
	mux.HandleFunc("POST /simulator/reset", func(w http.ResponseWriter, _ *http.Request) {
		if err := m.Reset(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// putOrg changes the settings of an organization, and replies with the effective ones.
func (m *Manager) putOrg(w http.ResponseWriter, r *http.Request) {
	var settings OrgSettings
	orgID := r.PathValue("orgId")
	if err := decodeStrictly(r.Body, &settings); err != nil {
		badRequest(w, err)
		return
	}
	if err := validateSetting(orgID, settings); err != nil {
		badRequest(w, err)
		return
	}
	if err := m.SetOrg(orgID, settings); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	m.mu.Lock()
	inForce := m.settings(orgID)
	m.mu.Unlock()
	show(w, inForce)
}

// changeFaults serves PUT, which replaces all faults, and POST, which adds some.
func (m *Manager) changeFaults(change func(Faults) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		faults, err := readFaults(r.Body)
		if err == nil {
			err = change(faults)
		}
		if err != nil {
			badRequest(w, err)
			return
		}
		show(w, map[string]any{"faults": m.State().Faults})
	}
}

func readFaults(body io.Reader) (Faults, error) {
	var sent struct {
		Faults []json.RawMessage `json:"faults"`
	}
	if err := decodeStrictly(body, &sent); err != nil {
		return nil, err
	}
	if sent.Faults == nil {
		return nil, errors.New(`the body needs "faults", an array; [] ends all faults`)
	}
	faults := make(Faults, len(sent.Faults))
	for i, fault := range sent.Faults {
		if err := decodeStrictly(bytes.NewReader(fault), &faults[i]); err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	return faults, nil
}

func badRequest(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusBadRequest)
}

// show writes JSON for people.
func show(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(value) // the client may have gone away
}

// decodeStrictly decodes an object into the struct that target points to. Its errors
// name the wrong field and the known ones.
func decodeStrictly(body io.Reader, target any) error {
	content, err := io.ReadAll(io.LimitReader(body, maxRequestBody))
	if err != nil {
		return fmt.Errorf("the body could not be read: %w", err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(content, &object); err != nil || object == nil {
		return errors.New("not a JSON object such as {\"syncDelay\": \"5s\"} or {\"faults\": [{\"kind\": \"server-error\", \"count\": 2}]}")
	}
	known := fieldNames(reflect.TypeOf(target).Elem())
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("unknown field %q; known are %s", name, strings.Join(known, ", "))
		}
	}
	return inWords(json.Unmarshal(content, target))
}

// inWords describes a field of the wrong type without the names of Go types.
func inWords(err error) error {
	if wrong, isType := errors.AsType[*json.UnmarshalTypeError](err); isType {
		shape := wrong.Type
		if shape.Kind() == reflect.Pointer {
			shape = shape.Elem()
		}
		expected := shape.Kind().String()
		if shape == reflect.TypeFor[Duration]() {
			expected = `string such as "5s"`
		}
		return fmt.Errorf("field %q cannot be a %s; it is a %s", wrong.Field, wrong.Value, expected)
	}
	return err
}

func fieldNames(shape reflect.Type) []string {
	var names []string
	for field := range shape.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
