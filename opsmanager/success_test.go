package opsmanager_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	loginPage = "<!DOCTYPE html><html><body>Sign in</body></html>"
	apiError  = `{"error":404,"errorCode":"ORG_NOT_FOUND","detail":"No such organization.","reason":"Not Found"}`
)

// reply is what a server answers to a write.
type reply struct {
	status int
	body   string
	length int // that the header announces; 0 means that of the body
}

func (r reply) write(w http.ResponseWriter) {
	if r.length > 0 {
		w.Header().Set("Content-Length", fmt.Sprint(r.length))
	}
	w.WriteHeader(r.status)
	_, _ = io.WriteString(w, r.body)
}

// noSuccesses are replies with the status of a success that are not the API's.
var noSuccesses = map[string]reply{
	"an empty 200":                  {200, "", 0},
	"an empty 202":                  {202, "", 0},
	"an empty 205":                  {205, "", 0},
	"white space":                   {200, " \n", 0},
	"only a byte order mark":        {200, "\ufeff", 0},
	"a login page":                  {200, loginPage, 0},
	"plain text":                    {200, "OK", 0},
	"half an object":                {200, `{"status":`, 0},
	"an object that is cut off":     {200, `{"status":"SYNCED"}`, 100},
	"two objects":                   {200, `{}{}`, 0},
	"a list":                        {200, `[]`, 0},
	"null":                          {200, `null`, 0},
	"a string":                      {200, `"deleted"`, 0},
	"an error":                      {200, apiError, 0},
	"an error with a code only":     {200, `{"errorCode":"ORG_NOT_FOUND"}`, 0},
	"an error with a number only":   {200, `{"error":401}`, 0},
	"an error of another API":       {200, `{"error":"not_allowed"}`, 0},
	"an error in an envelope":       {200, `{"status":404,"content":` + apiError + `}`, 0},
	"an error in a good envelope":   {200, `{"status":200,"content":` + apiError + `}`, 0},
	"an error in an older envelope": {200, `{"status":404,"envelope":` + apiError + `}`, 0},
}

// writes are the calls that change something.
var writes = []string{"create", "delete"}

// answeringWrites returns a client of a manager that answers a read with
// NOT_SYNCED and a write with the reply.
func answeringWrites(t *testing.T, to reply) *opsmanager.Client {
	t.Helper()
	return replying(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			body(`{"status":"NOT_SYNCED"}`)(w, r)
			return
		}
		to.write(w)
	})
}

func TestASuccessThatIsNotFromTheAPIIsAnError(t *testing.T) {
	t.Parallel()
	for name, test := range noSuccesses {
		for _, write := range writes {
			t.Run(name+", "+write, func(t *testing.T) {
				t.Parallel()
				err := calls[write](t.Context(), answeringWrites(t, test))
				var failed *opsmanager.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, test.status, failed.StatusCode)
				require.ErrorContains(t, err, "the reply cannot be read: ")
				require.True(t, opsmanager.MayHaveTakenEffect(err), "%v", err)
				require.False(t, opsmanager.NoLink(err))
			})
		}
	}
}

func TestEveryFormOfTheAPIsSuccessIsAccepted(t *testing.T) {
	t.Parallel()
	const synced = `{"status":"SYNCED"}`
	for name, test := range map[string]reply{
		"an object":                          {200, synced, 0},
		"an empty object":                    {202, ` {} `, 0},
		"an object with a byte order mark":   {200, "\ufeff" + synced, 0},
		"an object without an error":         {200, `{"error":null,"errorCode":null,"errorMessage":null}`, 0},
		"an object with an error of nothing": {200, `{"error":0,"errorCode":""}`, 0},
		"an envelope":                        {200, `{"status":200,"content":` + synced + `}`, 0},
		"an older envelope":                  {200, `{"status":201,"envelope":` + synced + `}`, 0},
		"an envelope of nothing":             {200, `{"status":204,"content":null}`, 0},
	} {
		for _, write := range writes {
			t.Run(name+", "+write, func(t *testing.T) {
				t.Parallel()
				require.NoError(t, calls[write](t.Context(), answeringWrites(t, test)))
			})
		}
	}
	require.NoError(t, calls["delete"](t.Context(), answeringWrites(t, reply{status: 204})))
	err := calls["create"](t.Context(), answeringWrites(t, reply{status: 204}))
	require.True(t, opsmanager.MayHaveTakenEffect(err), "no document answers a creation by 204: %v", err)
}

func TestAnEnvelopeAndAByteOrderMarkAreOpenedOnEveryCall(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"\ufeff%s", `{"status":200,"content":%s}`, "\ufeff" + `{"status":200,"content":%s}`} {
		client := replying(t, func(w http.ResponseWriter, r *http.Request) {
			content := `{"errorMessage":"no route to Atlas"}`
			switch {
			case r.Method == http.MethodPost:
			case r.URL.Query().Has("pageNum"):
				content = `{"results":[{"id":"` + orgID + `"}],"totalCount":1}`
			default:
				content = `{"status":"SYNCED"}`
			}
			_, _ = fmt.Fprintf(w, form, content)
		})
		status, err := client.LinkStatus(t.Context(), orgID)
		require.NoError(t, err, form)
		require.Equal(t, opsmanager.StatusSynced, status)
		projects, err := client.Projects(t.Context(), orgID)
		require.NoError(t, err, form)
		require.Len(t, projects, 1)
		created, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
		require.NoError(t, err, form)
		require.Equal(t, "no route to Atlas", created.ErrorMessage)
	}
	client := replying(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "\ufeff"+apiError)
	})
	_, err := client.LinkStatus(t.Context(), orgID)
	require.ErrorContains(t, err, "HTTP 404 ORG_NOT_FOUND: No such organization.")
}

// Who answers the read with a page would get the link-token.
func TestTheTokenIsNotSentIfThePrecedingReadIsNotFromTheAPI(t *testing.T) {
	t.Parallel()
	for name, test := range noSuccesses {
		if test.body == `[]` || test.body == `null` || test.body == `"deleted"` {
			continue // JSON is enough for a read that is not used
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := replying(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					t.Error("a POST left")
				}
				test.write(w)
			})
			_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
			require.ErrorContains(t, err, "read the link's status")
			require.False(t, opsmanager.MayHaveTakenEffect(err))
		})
	}
}
