package opsmanager_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"

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
				require.ErrorContains(t, err, "it goes on after 100 pages")
				return
			}
			require.NoError(t, err)
			require.Len(t, projects, test.projects)
			for n, project := range projects {
				require.Equal(t, opsmanager.Project{ID: fmt.Sprintf("%024x", n), Name: fmt.Sprint("project ", n)}, project)
			}
		})
	}
}

// "No project" means that there is nothing to verify: it must not be a mistake.
func TestAReplyWithoutProjectsIsNotTakenForAnOrganizationWithoutAny(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{``, `{}`, `null`, `[]`, `{"results":null}`, `{"results":[null]}`, `{"results":[{"name":"x"}]}`, `{"results":[{"id":"../x"}]}`, `{"results":[{"id":1}]}`} {
		_, err := replying(t, body(reply)).Projects(t.Context(), orgID)
		require.ErrorContains(t, err, "read the projects of organization "+orgID+": HTTP 200: the reply cannot be read: ", reply)
		require.False(t, opsmanager.MayHaveTakenEffect(err))
	}
}

func TestTheNameOfAProjectIsToldWithoutSecretsAndControlCharacters(t *testing.T) {
	t.Parallel()
	const long = "a-long-name-by-right-0123456789-0123456789"
	client := replying(t, body(`{"results":[{"id":"`+orgID+`","name":"`+long+` \u001b[31m private-key-canary"}]}`))
	projects, err := client.Projects(t.Context(), orgID)
	require.NoError(t, err)
	require.Equal(t, []opsmanager.Project{{ID: orgID, Name: long + "  [31m [redacted]"}}, projects)
}
