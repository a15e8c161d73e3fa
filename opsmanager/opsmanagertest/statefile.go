package opsmanagertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// stateFile is the JSON of the state file.
type stateFile struct {
	Defaults OrgSettings                    `json:"defaults,omitzero"`
	Orgs     map[string]*organizationRecord `json:"orgs"`
}

// load reads the state file. If it is missing, this is the first start.
func (m *Manager) load() error {
	if m.options.StateFile == "" {
		return nil
	}
	content, err := os.ReadFile(m.options.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return m.save() // fails now if it cannot be written
	}
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	var kept stateFile
	if err := json.Unmarshal(content, &kept); err != nil {
		return fmt.Errorf("state file %s was not written by a simulated manager (%w); remove it to start with an empty state", m.options.StateFile, err)
	}
	for id, record := range kept.Orgs {
		if record == nil {
			continue
		}
		if err := validateSetting(id, record.Settings); err != nil {
			return fmt.Errorf("state file %s: %w", m.options.StateFile, err)
		}
		m.orgs[id] = record
		for _, token := range record.Atlas.Tokens {
			if token == nil {
				return fmt.Errorf("state file %s: organization %s has a link-token that is null", m.options.StateFile, id)
			}
			m.issued[token.SHA256] = token
		}
	}
	m.defaults = kept.Defaults.over(m.options.Defaults)
	return m.defaults.validate()
}

// save replaces the state file atomically. The caller holds m.mu or is alone.
func (m *Manager) save() error {
	if m.options.StateFile == "" {
		return nil
	}
	content, err := json.MarshalIndent(stateFile{m.defaults, m.orgs}, "", "  ")
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(m.options.StateFile), filepath.Base(m.options.StateFile)+".*")
	if err != nil {
		return err
	}
	_, writeErr := temporary.Write(content)
	if err := errors.Join(writeErr, temporary.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return os.Rename(temporary.Name(), m.options.StateFile)
}
