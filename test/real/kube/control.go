package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// badRequest is an error in what the caller sent.
type badRequest string

func (e badRequest) Error() string { return string(e) }

type switchRequest struct {
	Enabled *bool `json:"enabled"`
}

type podRequest struct {
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
}

type serviceAccountRequest struct {
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
}

func (s *server) handleControl() {
	s.control("POST /control/volumes", s.createVolume)
	s.control("GET /control/volumes/{id}", s.withVolume(func(v *volume, _ *http.Request) (any, error) {
		return v.answer(), nil
	}))
	s.control("POST /control/volumes/{id}/sync", s.withVolume(func(v *volume, _ *http.Request) (any, error) {
		rotated, _ := v.sync() // Its failure is in the answer: the caller asked for a sync and had one.
		return syncAnswer{volumeAnswer: v.answer(), Rotated: rotated}, nil
	}))
	s.control("PATCH /control/volumes/{id}", s.withVolume(changeVolume))
	s.control("DELETE /control/volumes/{id}", s.withVolume(func(v *volume, _ *http.Request) (any, error) {
		s.volumes.remove(v)
		return v.answer(), nil
	}))
	s.control("POST /control/outage", switchOf(&s.requests.outage))
	s.control("POST /control/tokenreview-outage", switchOf(&s.reviews.outage))
	pod, serviceAccount := podRequest{Namespace: defaultNamespace}, serviceAccountRequest{Namespace: defaultNamespace}
	s.control("POST /control/pods/delete", action(pod, func(b podRequest) error {
		return s.objects.pods.delete(b.Namespace, b.Pod)
	}))
	s.control("POST /control/pods/recreate", action(pod, func(b podRequest) error {
		return s.objects.pods.recreate(b.Namespace, b.Pod)
	}))
	s.control("POST /control/serviceaccounts/delete", action(serviceAccount, func(b serviceAccountRequest) error {
		return s.objects.serviceAccounts.delete(b.Namespace, b.ServiceAccount)
	}))
	s.control("POST /control/serviceaccounts/recreate", action(serviceAccount, func(b serviceAccountRequest) error {
		return s.objects.serviceAccounts.recreate(b.Namespace, b.ServiceAccount)
	}))
	s.control("GET /control/stats", func(*http.Request) (any, error) {
		return map[string]any{
			"tokenRequests":        s.requests.total.Load(),
			"tokenRequestFailures": s.requests.failures.Load(),
			"tokenReviews": map[string]int64{
				"total":         s.reviews.total.Load(),
				"authenticated": s.reviews.authenticated.Load(),
				"refused":       s.reviews.refused.Load(),
			},
		}, nil
	})
}

func (s *server) control(pattern string, handle func(*http.Request) (any, error)) {
	s.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		body, err := handle(r)
		if err != nil {
			status := http.StatusInternalServerError
			var bad badRequest
			switch {
			case errors.As(err, &bad):
				status = http.StatusBadRequest
			case apierrors.IsNotFound(err):
				status = http.StatusNotFound
			}
			writeJSON(w, status, map[string]string{"error": err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, body)
	})
}

// decode refuses what it does not know: a misspelt option that silently keeps its default makes a test lie.
func decode(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return badRequest("the body is not what is expected here: " + err.Error())
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badRequest("the body goes on after its JSON value")
	}
	return nil
}

// action answers with the body that it carried out.
func action[T any](defaults T, carryOut func(T) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		body := defaults
		if err := decode(r, &body); err != nil {
			return nil, err
		}
		return body, carryOut(body)
	}
}

func switchOf(enabled *atomic.Bool) func(*http.Request) (any, error) {
	return action(switchRequest{}, func(body switchRequest) error {
		if body.Enabled == nil {
			return badRequest("enabled is required")
		}
		enabled.Store(*body.Enabled)
		return nil
	})
}

func (s *server) createVolume(r *http.Request) (any, error) {
	// The defaults are those of the Kubernetes documentation's pod with a vault-token.
	spec := volumeSpec{
		Namespace:         defaultNamespace,
		ServiceAccount:    "build-robot",
		FileName:          "vault-token",
		Audience:          "vault",
		ExpirationSeconds: 7200,
		SyncMs:            1000,
		Mode:              "0644",
	}
	if err := decode(r, &spec); err != nil {
		return nil, err
	}
	v, err := s.volumes.create(spec, s.requests.outage.Load())
	if err != nil {
		return nil, err
	}
	return v.answer(), nil
}

func (s *server) withVolume(handle func(*volume, *http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		v, err := s.volumes.get(r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return handle(v, r)
	}
}

func changeVolume(v *volume, r *http.Request) (any, error) {
	body := struct {
		SyncMs *int64 `json:"syncMs"`
	}{}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if body.SyncMs != nil {
		if err := checkSyncMs(*body.SyncMs); err != nil {
			return nil, err
		}
		v.setInterval(*body.SyncMs)
	}
	return v.answer(), nil
}
