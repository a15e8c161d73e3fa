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
// It verifies HTTP digest authentication, gives the answers that real managers are known
// or assumed to give (OrgSettings), fails like networks and proxies (Faults), and
// records the calls (State). These three are also available over HTTP under /simulator/.
//
// It never stores a link-token, only its SHA-256.
package opsmanagertest
