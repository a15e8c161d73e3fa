// Command loop is the worker that most people would write: an activity that creates the
// link, then a loop of a timer and an activity that reads the status, with net/http. It
// takes no care of lost replies, cancellations or limits.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/icholy/digest"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

func main() {
	temporal, err := client.Dial(client.Options{HostPort: os.Getenv("TEMPORAL_ADDRESS")})
	if err != nil {
		log.Fatal(err)
	}
	defer temporal.Close()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 100
	calls := &manager{url: os.Getenv("MANAGER_URL"), http: &http.Client{Timeout: 30 * time.Second, Transport: &digest.Transport{
		Username: os.Getenv("DEMO_PUBLIC_KEY"), Password: os.Getenv("DEMO_PRIVATE_KEY"), Transport: transport,
	}}}
	w := worker.New(temporal, "loop", worker.Options{})
	w.RegisterWorkflow(PollingLoop)
	w.RegisterActivity(calls)
	if err := w.Run(worker.InterruptCh()); err != nil {
		log.Print(err)
	}
}

// PollingLoop links an organization and polls once a second until it is SYNCED.
func PollingLoop(ctx workflow.Context, orgID string) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var calls *manager
	if err := workflow.ExecuteActivity(ctx, calls.Link, orgID).Get(ctx, nil); err != nil {
		return err
	}
	for {
		if err := workflow.Sleep(ctx, time.Second); err != nil {
			return err
		}
		var status string
		if err := workflow.ExecuteActivity(ctx, calls.Status, orgID).Get(ctx, &status); err != nil {
			return err
		}
		if status == "SYNCED" {
			return nil
		}
	}
}

type manager struct {
	url  string
	http *http.Client
}

// Link creates the link of an organization.
func (m *manager) Link(ctx context.Context, orgID string) error {
	_, err := m.call(ctx, http.MethodPost, orgID+"/liveExport/migrationLink", `{"linkToken":"`+strings.Repeat("x", 190)+`"}`)
	return err
}

// Status reads the status of a link.
func (m *manager) Status(ctx context.Context, orgID string) (string, error) {
	body, err := m.call(ctx, http.MethodGet, orgID+"/liveExport/migrationLink/status", "")
	if err != nil {
		return "", err
	}
	var reply struct {
		Status string `json:"status"`
	}
	return reply.Status, json.Unmarshal(body, &reply)
}

func (m *manager) call(ctx context.Context, method, path, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, m.url+"/api/public/v1.0/orgs/"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	response, err := m.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("status %d: %s", response.StatusCode, content)
	}
	return content, err
}
