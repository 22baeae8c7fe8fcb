package main

import (
	"crypto"
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"k8s.io/kubernetes/pkg/kubelet/token"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

const maxBodyBytes = 1 << 20

// server is an API server's part in service account tokens, a kubelet that mounts them, and the control plane by
// which a test drives both.
type server struct {
	http.ServeMux
	objects  *objects
	requests *tokenRequests
	reviews  *tokenReviews
	volumes  *volumes
}

func newServer(issuer string, apiAudiences []string, key crypto.Signer, address string) (*server, error) {
	keys, err := serviceaccount.StaticPublicKeysGetter([]any{key.Public()})
	if err != nil {
		return nil, err
	}
	generator, err := serviceaccount.JWTTokenGenerator(issuer, key)
	if err != nil {
		return nil, err
	}
	objects := newObjects()
	s := &server{
		objects:  objects,
		requests: &tokenRequests{objects: objects, generator: generator, apiAudiences: apiAudiences},
		reviews:  newTokenReviews(issuer, keys, apiAudiences, objects),
	}
	s.volumes = newVolumes(objects, token.NewManager(s.requests.client()))
	s.handleDiscovery(issuer, address, keys)
	s.Handle("POST /apis/authentication.k8s.io/v1/tokenreviews", s.reviews)
	s.handleControl()
	return s, nil
}

// handleDiscovery does as the API server: an issuer that is no https URL costs the two documents, not the start.
// The jwks_uri is https whatever this server speaks: the provider allows nothing else.
func (s *server) handleDiscovery(issuer, address string, keys serviceaccount.PublicKeysGetter) {
	provider, err := serviceaccount.NewOpenIDMetadataProvider(issuer, "", address, keys)
	if err != nil {
		log.Printf("no discovery documents: %v", err)
		return
	}
	serve := func(path, contentType string, document func() ([]byte, int)) {
		s.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			body, maxAge := document()
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", maxAge))
			_, _ = w.Write(body)
		})
	}
	serve(serviceaccount.OpenIDConfigPath, "application/json", provider.GetConfigJSON)
	serve(serviceaccount.JWKSPath, "application/jwk-set+json", provider.GetKeysetJSON)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
