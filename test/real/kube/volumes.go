package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/kubelet/token"
)

const (
	defaultNamespace     = "default"
	maxSyncMs            = 24 * 60 * 60 * 1000
	maxExpirationSeconds = 1 << 32 // the API server's limit
)

type volumeAnswer struct {
	ID             string `json:"id"`
	Path           string `json:"path"`
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	Pod            string `json:"pod"`
	volumeHistory
}

type syncAnswer struct {
	volumeAnswer
	Rotated bool `json:"rotated"`
}

func (v *volume) answer() volumeAnswer {
	return volumeAnswer{
		ID: v.id, Path: v.path(),
		Namespace: v.spec.Namespace, ServiceAccount: v.spec.ServiceAccount, Pod: v.spec.Pod,
		volumeHistory: v.snapshot(),
	}
}

// volumes are those that the kubelet syncs now.
type volumes struct {
	objects *objects
	manager *token.Manager

	mu      sync.Mutex
	created int
	byID    map[string]*volume
}

func newVolumes(objects *objects, manager *token.Manager) *volumes {
	return &volumes{objects: objects, manager: manager, byID: map[string]*volume{}}
}

func (vs *volumes) get(id string) (*volume, error) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if v, ok := vs.byID[id]; ok {
		return v, nil
	}
	return nil, apierrors.NewNotFound(v1.Resource("volumes"), id)
}

// remove does nothing the second time.
func (vs *volumes) remove(v *volume) {
	vs.mu.Lock()
	_, ok := vs.byID[v.id]
	delete(vs.byID, v.id)
	vs.mu.Unlock()
	if ok {
		v.close()
	}
}

func (vs *volumes) close() {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for _, v := range vs.byID {
		v.close()
	}
	clear(vs.byID)
}

// create answers once the token is written. During a TokenRequest outage it answers without: the volume then waits
// for its first token, as that of a pod in ContainerCreating does.
func (vs *volumes) create(spec volumeSpec, outage bool) (*volume, error) {
	mode, err := checkSpec(&spec)
	if err != nil {
		return nil, err
	}
	v, err := vs.add(spec, mode)
	if err != nil {
		return nil, err
	}
	if _, err := v.sync(); err != nil && !outage {
		vs.remove(v)
		return nil, fmt.Errorf("the first sync failed: %w", err)
	}
	v.setInterval(spec.SyncMs)
	return v, nil
}

func (vs *volumes) add(spec volumeSpec, mode int32) (*volume, error) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for _, other := range vs.byID {
		if other.spec.Directory == spec.Directory {
			return nil, badRequest(fmt.Sprintf("directory %s is that of volume %s", spec.Directory, other.id))
		}
	}
	vs.created++
	id := "v" + strconv.Itoa(vs.created)
	if spec.Pod == "" {
		// A pod of its own: volumes of one pod that ask for the same token share it in the token manager.
		spec.Pod = spec.ServiceAccount + "-" + id
	}
	if err := vs.ensureObjects(spec); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(spec.Directory, 0o755); err != nil {
		return nil, err
	}
	v, err := newVolume(id, spec, mode, vs.objects, vs.manager)
	if err == nil {
		vs.byID[id] = v
	}
	return v, err
}

func (vs *volumes) ensureObjects(spec volumeSpec) error {
	vs.objects.serviceAccounts.ensure(&v1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: spec.Namespace, Name: spec.ServiceAccount},
	})
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: spec.Namespace, Name: spec.Pod},
		Spec:       v1.PodSpec{ServiceAccountName: spec.ServiceAccount, NodeName: vs.objects.node.Name},
	}
	if spec.WarnAfter {
		pod.Annotations = map[string]string{extendExpirationAnnotation: "true"}
	}
	existing := vs.objects.pods.ensure(pod)
	if existing.Spec.ServiceAccountName != spec.ServiceAccount {
		return badRequest(fmt.Sprintf("pod %s runs as service account %s", spec.Pod, existing.Spec.ServiceAccountName))
	}
	if _, extended := existing.Annotations[extendExpirationAnnotation]; extended != spec.WarnAfter {
		return badRequest(fmt.Sprintf("warnAfter is one for all volumes of a pod, and for pod %s it is %t", spec.Pod, extended))
	}
	return nil
}

// checkSpec also cleans the directory, so that it can be compared.
func checkSpec(spec *volumeSpec) (mode int32, err error) {
	parsedMode, err := strconv.ParseUint(spec.Mode, 8, 32)
	switch {
	case err != nil || parsedMode > 0o777:
		return 0, badRequest(fmt.Sprintf("mode must be an octal string up to 0777, got %q", spec.Mode))
	case spec.Namespace == "" || spec.ServiceAccount == "":
		return 0, badRequest("namespace and serviceAccount must not be empty")
	case !filepath.IsAbs(spec.Directory):
		return 0, badRequest(fmt.Sprintf("directory must be an absolute path, got %q", spec.Directory))
	case !filepath.IsLocal(spec.FileName) || filepath.Clean(spec.FileName) == "." || strings.HasPrefix(spec.FileName, ".."):
		return 0, badRequest(fmt.Sprintf("fileName must be a path within the volume that does not begin with .., got %q", spec.FileName))
	case spec.ExpirationSeconds < 1 || spec.ExpirationSeconds > maxExpirationSeconds:
		return 0, badRequest(fmt.Sprintf("expirationSeconds must be 1 to %d, got %d", int64(maxExpirationSeconds), spec.ExpirationSeconds))
	case isNegative(spec.FsUser) || isNegative(spec.FsGroup):
		return 0, badRequest("fsUser and fsGroup must not be negative")
	}
	spec.Directory = filepath.Clean(spec.Directory)
	return int32(parsedMode), checkSyncMs(spec.SyncMs)
}

func checkSyncMs(ms int64) error {
	if ms < 0 || ms > maxSyncMs {
		return badRequest(fmt.Sprintf("syncMs must be 0 (only on request) to %d, got %d", maxSyncMs, ms))
	}
	return nil
}

func isNegative(id *int64) bool { return id != nil && *id < 0 }
