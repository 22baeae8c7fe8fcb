package main

import (
	"context"
	"sync"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
)

type object interface {
	metav1.Object
	runtime.Object
}

// registry holds the objects of one kind. A deleted object is hidden, not forgotten, so that it can be made again
// as it was: under its old name and with a new UID, which is what a re-created pod is to the token's validator.
type registry[T object] struct {
	resource schema.GroupResource

	mu      sync.RWMutex
	entries map[types.NamespacedName]*entry[T]
}

type entry[T object] struct {
	object  T
	deleted bool
}

func newRegistry[T object](resource string) *registry[T] {
	return &registry[T]{resource: v1.Resource(resource), entries: map[types.NamespacedName]*entry[T]{}}
}

func (r *registry[T]) get(namespace, name string) (T, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e, ok := r.entries[types.NamespacedName{Namespace: namespace, Name: name}]; ok && !e.deleted {
		return e.object, nil
	}
	var none T
	return none, apierrors.NewNotFound(r.resource, name)
}

// ensure returns the object of this name, and creates it if it is missing.
func (r *registry[T]) ensure(object T) T {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
	if e, ok := r.entries[key]; ok && !e.deleted {
		return e.object
	}
	object.SetUID(uuid.NewUUID())
	r.entries[key] = &entry[T]{object: object}
	return object
}

func (r *registry[T]) delete(namespace, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[types.NamespacedName{Namespace: namespace, Name: name}]
	if !ok || e.deleted {
		return apierrors.NewNotFound(r.resource, name)
	}
	e.deleted = true
	return nil
}

// recreate also works on an object that still exists: it is then deleted first.
func (r *registry[T]) recreate(namespace, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[types.NamespacedName{Namespace: namespace, Name: name}]
	if !ok {
		return apierrors.NewNotFound(r.resource, name)
	}
	// A copy: who holds the old object must go on seeing the old UID.
	fresh := e.object.DeepCopyObject().(T)
	fresh.SetUID(uuid.NewUUID())
	*e = entry[T]{object: fresh}
	return nil
}

// objects is the API server's state, as far as service account tokens depend on it. It is the
// serviceaccount.ServiceAccountTokenGetter by which a token's validator asks whether the objects still exist.
type objects struct {
	serviceAccounts *registry[*v1.ServiceAccount]
	pods            *registry[*v1.Pod]
	node            *v1.Node
}

func newObjects() *objects {
	return &objects{
		serviceAccounts: newRegistry[*v1.ServiceAccount]("serviceaccounts"),
		pods:            newRegistry[*v1.Pod]("pods"),
		node:            &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", UID: uuid.NewUUID()}},
	}
}

func (o *objects) GetServiceAccount(_ context.Context, namespace, name string) (*v1.ServiceAccount, error) {
	return o.serviceAccounts.get(namespace, name)
}

func (o *objects) GetPod(_ context.Context, namespace, name string) (*v1.Pod, error) {
	return o.pods.get(namespace, name)
}

func (o *objects) GetSecret(_ context.Context, _, name string) (*v1.Secret, error) {
	return nil, apierrors.NewNotFound(v1.Resource("secrets"), name)
}

func (o *objects) GetNode(_ context.Context, name string) (*v1.Node, error) {
	if name != o.node.Name {
		return nil, apierrors.NewNotFound(v1.Resource("nodes"), name)
	}
	return o.node, nil
}
