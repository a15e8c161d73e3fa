package opsmanager_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager"
)

func TestAllPagesOfTheProjectsAreRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		projects, perPage int // what the server gives at most
		counts            bool
		requests          int
	}{
		"none":                    {0, 500, true, 1},
		"one page":                {3, 500, true, 1},
		"a full page":             {500, 500, true, 1},
		"three pages":             {1001, 500, true, 3},
		"smaller pages":           {250, 100, true, 3},
		"the total is not told":   {250, 100, false, 4},
		"always the same page":    {100, 0, false, 2},
		"a page more than enough": {50_001, 500, true, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			client := replying(t, func(w http.ResponseWriter, r *http.Request) {
				requests++
				query := r.URL.Query()
				page, _ := strconv.Atoi(query.Get("pageNum"))
				if r.URL.Path != opsmanager.DefaultBasePath+"/orgs/"+orgID+"/groups" || query.Get("itemsPerPage") != "500" {
					t.Errorf("it asked for %s", r.URL)
				}
				results := []map[string]any{}
				for n := (page - 1) * test.perPage; n < test.projects && (test.perPage == 0 || n < page*test.perPage); n++ {
					results = append(results, map[string]any{"id": fmt.Sprintf("%024x", n), "name": fmt.Sprint("project ", n), "agentCount": 1})
				}
				reply := map[string]any{"results": results, "links": nil}
				if test.counts {
					reply["totalCount"] = test.projects
				}
				_ = json.NewEncoder(w).Encode(reply)
			})
			projects, err := client.Projects(t.Context(), orgID)
			require.Equal(t, test.requests, requests)
			if test.projects > 50_000 {
				require.ErrorContains(t, err, "it continues after 100 pages")
				return
			}
			require.NoError(t, err)
			require.Len(t, projects, test.projects)
			for n, project := range projects {
				require.Equal(t, opsmanager.Project{ID: fmt.Sprintf("%024x", n)}, project)
			}
		})
	}
}

// "No project" means that there is nothing to verify: it must not be a mistake.
func TestAReplyWithoutAListIsNotAnEmptyList(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{``, `{}`, `null`, `[]`, `{"results":null}`, `{"results":[null]}`, `{"results":[{"name":"x"}]}`, `{"results":[{"id":"../x"}]}`, `{"results":[{"id":1}]}`} {
		_, err := replying(t, body(reply)).Projects(t.Context(), orgID)
		require.ErrorContains(t, err, "read the projects of organization "+orgID+": HTTP 200: the reply cannot be read: ", reply)
		require.False(t, opsmanager.MayHaveTakenEffect(err))
	}
}

func TestProjectsOfAHostileManagerDoNotFillTheMemory(t *testing.T) {
	t.Parallel()
	entries := func(first, count int, name string) string {
		var list []string
		for n := range count {
			list = append(list, fmt.Sprintf(`{"id":"%024x","name":"%s"}`, first+n, name))
		}
		return `{"results":[` + strings.Join(list, ",") + `]}`
	}
	for name, test := range map[string]struct {
		page func(number int) string
		want string
	}{
		"more than a page":    {func(int) string { return entries(0, 501, "x") }, "it holds too much: more than 500 elements in a list"},
		"empty entries":       {func(int) string { return `{"results":[` + strings.Repeat(`{},`, 1<<16) + `{}]}` }, "it holds too much: more than 500 elements in a list"},
		"long names":          {func(number int) string { return entries(number, 1, strings.Repeat("x", 10<<10)) }, "all pages together are larger than 65536 bytes"},
		"more pages than any": {func(number int) string { return entries(number, 1, "x") }, "it continues after 100 pages"},
		"a page too large":    {func(number int) string { return entries(number, 1, strings.Repeat("x", 9<<20)) }, "it is larger than 8388608 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := replying(t, func(w http.ResponseWriter, r *http.Request) {
				number, _ := strconv.Atoi(r.URL.Query().Get("pageNum"))
				body(test.page(number))(w, r)
			})
			client.LimitProjects(64 << 10)
			_, err := client.Projects(t.Context(), orgID)
			require.ErrorContains(t, err, test.want)
			require.False(t, opsmanager.Doubtful(err))
		})
	}
}

func TestOnlyAFewListsOfProjectsAreReadAtOnce(t *testing.T) {
	t.Parallel()
	const calls, atOnce = 12, 4
	var reading, most atomic.Int64
	release := make(chan struct{})
	client := replying(t, func(w http.ResponseWriter, r *http.Request) {
		now := reading.Add(1)
		defer reading.Add(-1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		<-release
		body(`{"results":[]}`)(w, r)
	})
	var waiting sync.WaitGroup
	for range calls {
		waiting.Go(func() {
			if _, err := client.Projects(t.Context(), orgID); err != nil {
				t.Error(err)
			}
		})
	}
	require.Eventually(t, func() bool { return reading.Load() == atOnce }, 10*time.Second, time.Millisecond)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Projects(cancelled, orgID)
	require.ErrorIs(t, err, context.Canceled, "who waits can be cancelled")
	close(release)
	waiting.Wait()
	require.EqualValues(t, atOnce, most.Load())
}
