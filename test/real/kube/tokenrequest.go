package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

// extendExpirationAnnotation marks a pod whose tokens all get the year-long exp with warnafter. The API server
// gives it to tokens of 3607 s for its own audience only, too slow for a test that wants to see one rotate.
const extendExpirationAnnotation = "projected-token.test/extend-expiration"

// tokenRequests answers TokenRequests, in the place of the API server's TokenREST
// (pkg/registry/core/serviceaccount/storage/token.go). TokenREST itself cannot be used: it refuses less than 600 s.
type tokenRequests struct {
	objects      *objects
	generator    serviceaccount.TokenGenerator
	apiAudiences []string

	outage   atomic.Bool
	total    atomic.Int64
	failures atomic.Int64
}

// client returns a clientset that can do what the kubelet's token manager asks for, and nothing else.
func (t *tokenRequests) client() *fake.Clientset {
	client := fake.NewSimpleClientset()
	// Without it the manager would explain a missing service account by a server without TokenRequest.
	client.Resources = []*metav1.APIResourceList{{
		GroupVersion: "v1",
		APIResources: []metav1.APIResource{{Name: "serviceaccounts/token"}},
	}}
	client.PrependReactor("create", "serviceaccounts", func(action clienttesting.Action) (bool, runtime.Object, error) {
		create, ok := action.(clienttesting.CreateActionImpl)
		if !ok || create.Subresource != "token" {
			return false, nil, nil
		}
		t.total.Add(1)
		go client.ClearActions() // It would remember every action; its lock is held while reactors run.
		answer, err := t.create(create.Namespace, create.Name, create.Object.(*authenticationv1.TokenRequest))
		if err != nil {
			t.failures.Add(1)
			return true, nil, err
		}
		return true, answer, nil
	})
	return client
}

func (t *tokenRequests) create(namespace, name string, request *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
	if t.outage.Load() {
		return nil, apierrors.NewInternalError(fmt.Errorf("TokenRequest outage"))
	}
	serviceAccount, err := t.objects.serviceAccounts.get(namespace, name)
	if err != nil {
		return nil, err
	}
	ref := request.Spec.BoundObjectRef
	pod, err := t.objects.pods.get(namespace, ref.Name)
	if err != nil {
		return nil, err
	}
	if pod.Spec.ServiceAccountName != name {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("cannot bind token for serviceaccount %q to pod running with different serviceaccount name.", name))
	}
	if ref.UID != pod.UID {
		return nil, apierrors.NewConflict(v1.Resource("pods"), ref.Name, fmt.Errorf("the UID in the bound object reference (%s) does not match the UID in record. The object might have been deleted and then recreated", ref.UID))
	}

	answer := request.DeepCopy()
	if len(answer.Spec.Audiences) == 0 {
		answer.Spec.Audiences = t.apiAudiences
	}
	requested := *answer.Spec.ExpirationSeconds
	expiration, warnAfter := requested, int64(0)
	if t.extends(pod, requested, answer.Spec.Audiences) {
		expiration, warnAfter = serviceaccount.ExpirationExtensionSeconds, requested
	}

	// Before the claims, as in TokenREST: the status must not promise more than exp does.
	now := time.Now()
	claims, private, err := serviceaccount.Claims(
		core.ServiceAccount{ObjectMeta: serviceAccount.ObjectMeta}, &core.Pod{ObjectMeta: pod.ObjectMeta}, nil,
		&core.Node{ObjectMeta: t.objects.node.ObjectMeta}, expiration, warnAfter, answer.Spec.Audiences)
	if err != nil {
		return nil, err
	}
	token, err := t.generator.GenerateToken(context.Background(), claims, private)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	answer.Status = authenticationv1.TokenRequestStatus{
		Token: token,
		// Even for an extended token the status tells the requested expiration: the kubelet rotates by it. A real
		// answer crosses the wire as RFC 3339 and so loses its fraction of a second.
		ExpirationTimestamp: metav1.NewTime(now.Add(time.Duration(requested) * time.Second)).Rfc3339Copy(),
	}
	return answer, nil
}

// extends also holds the rule of --service-account-extend-token-expiration, on by default.
func (t *tokenRequests) extends(pod *v1.Pod, expirationSeconds int64, audiences []string) bool {
	if pod.Annotations[extendExpirationAnnotation] != "" {
		return true
	}
	if expirationSeconds != serviceaccount.WarnOnlyBoundTokenExpirationSeconds {
		return false
	}
	return !slices.ContainsFunc(audiences, func(a string) bool { return !slices.Contains(t.apiAudiences, a) })
}
