package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"

	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/kubernetes/pkg/apis/authentication"
	conversion "k8s.io/kubernetes/pkg/apis/authentication/v1"
	"k8s.io/kubernetes/pkg/registry/authentication/tokenreview"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

// tokenReviews serves POST /apis/authentication.k8s.io/v1/tokenreviews to whoever asks: the caller's own
// credentials, which an API server would check first, are not looked at.
type tokenReviews struct {
	rest *tokenreview.REST

	outage        atomic.Bool
	total         atomic.Int64
	authenticated atomic.Int64
	refused       atomic.Int64
}

// newTokenReviews puts an API server's authenticators together in an API server's order. The first of them knows
// only the server's token for itself, and is here because every refusal begins with its words: "[invalid bearer
// token, ...]". The cache in between, which lets a token pass for up to 10 s after its pod was deleted, is not here.
func newTokenReviews(issuer string, keys serviceaccount.PublicKeysGetter, apiAudiences []string, objects *objects) *tokenReviews {
	loopback := tokenfile.New(map[string]*user.DefaultInfo{})
	// The implicit audiences must not be empty, else the authenticator lets any audience pass.
	tokens := serviceaccount.JWTTokenAuthenticator(
		[]string{issuer}, keys, authenticator.Audiences(apiAudiences), serviceaccount.NewValidator(objects))
	chain := union.New(bearertoken.New(loopback), group.NewAuthenticatedGroupAdder(bearertoken.New(tokens)))
	return &tokenReviews{rest: tokenreview.NewREST(chain, apiAudiences)}
}

func (t *tokenReviews) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.total.Add(1)
	review, err := t.review(w, r)
	if err != nil {
		var withStatus apierrors.APIStatus
		if !errors.As(err, &withStatus) {
			withStatus = apierrors.NewInternalError(err)
		}
		status := withStatus.Status()
		status.SetGroupVersionKind(v1.SchemeGroupVersion.WithKind("Status"))
		writeJSON(w, int(status.Code), status)
		return
	}
	if review.Status.Authenticated {
		t.authenticated.Add(1)
	} else {
		t.refused.Add(1)
	}
	writeJSON(w, http.StatusCreated, review)
}

func (t *tokenReviews) review(w http.ResponseWriter, r *http.Request) (*authenticationv1.TokenReview, error) {
	if t.outage.Load() {
		return nil, apierrors.NewServiceUnavailable("TokenReview outage")
	}
	review := &authenticationv1.TokenReview{}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes)).Decode(review); err != nil {
		return nil, apierrors.NewBadRequest("the body is not a TokenReview: " + err.Error())
	}
	internal := &authentication.TokenReview{}
	if err := conversion.Convert_v1_TokenReview_To_authentication_TokenReview(review, internal, nil); err != nil {
		return nil, err
	}
	answer, err := t.rest.Create(r.Context(), internal, nil, nil)
	if err != nil {
		return nil, err
	}
	review = &authenticationv1.TokenReview{}
	if err := conversion.Convert_authentication_TokenReview_To_v1_TokenReview(answer.(*authentication.TokenReview), review, nil); err != nil {
		return nil, err
	}
	review.SetGroupVersionKind(authenticationv1.SchemeGroupVersion.WithKind("TokenReview"))
	return review, nil
}
