// Package opsmanagertest is a simulated manager (Ops Manager or Cloud Manager)
// with the link API, and the side of Atlas that makes link-tokens, in the manner
// of net/http/httptest:
//
//	manager := opsmanagertest.NewServer(opsmanagertest.Options{})
//	defer manager.Close()
//	// use manager.URL + "/api/public/v1.0" with DefaultPublicKey, DefaultPrivateKey
//	fmt.Println(manager.State().Orgs[orgID].EffectivePosts)
//
// The same server is Atlas at AtlasAdminPrefix, with DefaultAtlasPublicKey and
// DefaultAtlasPrivateKey or with a service account (OAuthTokenPath). With
// Options.Joint the manager takes only link-tokens that Atlas there has issued.
//
// It verifies HTTP digest authentication for real, gives each of the answers
// that a real manager is known or thought to give (OrgSettings), breaks in the
// ways that networks and proxies break (Faults), and keeps evidence of what it
// was asked (State). The same three are offered over HTTP under /simulator/.
//
// No link-token is ever kept: only its SHA-256 is.
package opsmanagertest
