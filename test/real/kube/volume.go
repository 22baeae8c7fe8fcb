package main

import (
	"path/filepath"
	"sync"
	"time"

	"gopkg.in/go-jose/go-jose.v2/jwt"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/kubelet/token"
	kubevolume "k8s.io/kubernetes/pkg/volume"
	"k8s.io/kubernetes/pkg/volume/util"
)

// maxWriteTimes bounds what a volume remembers in a soak test of days.
const maxWriteTimes = 20_000

// volumeSpec is what a pod's manifest says of a serviceAccountToken volume, and where it is mounted.
type volumeSpec struct {
	Namespace         string `json:"namespace"`
	ServiceAccount    string `json:"serviceAccount"`
	Pod               string `json:"pod"`
	Directory         string `json:"directory"`
	FileName          string `json:"fileName"`
	Audience          string `json:"audience"` // empty: the API server's
	ExpirationSeconds int64  `json:"expirationSeconds"`
	SyncMs            int64  `json:"syncMs"` // 0: only on request
	Mode              string `json:"mode"`
	FsUser            *int64 `json:"fsUser"`
	FsGroup           *int64 `json:"fsGroup"`
	WarnAfter         bool   `json:"warnAfter"`
}

// volume is a projected volume with one serviceAccountToken source, synced as by the kubelet: its token manager
// decides whether the token is due for rotation, its atomic writer whether and how the file changes.
type volume struct {
	id      string
	spec    volumeSpec
	mode    int32
	objects *objects
	manager *token.Manager
	writer  *util.AtomicWriter

	ticker *time.Ticker
	done   chan struct{}
	loop   sync.WaitGroup

	// mu also serialises the syncs: the atomic writer asks for that.
	mu      sync.Mutex
	podUID  types.UID
	token   string
	history volumeHistory
}

// volumeHistory is what the control plane tells of a volume. It holds no token.
type volumeHistory struct {
	SyncMs      int64        `json:"syncMs"`
	Syncs       int64        `json:"syncs"`
	Rotations   int64        `json:"rotations"` // the first token is not one
	WrittenAtMs []float64    `json:"writtenAtMs"`
	LastToken   *tokenClaims `json:"lastToken,omitempty"`
	Failures    int64        `json:"failures"`
	LastError   string       `json:"lastError,omitempty"` // of the last sync
}

type tokenClaims struct {
	IssuedAt jwt.NumericDate `json:"iat"`
	Expiry   jwt.NumericDate `json:"exp"`
	ID       string          `json:"jti"`
}

func newVolume(id string, spec volumeSpec, mode int32, objects *objects, manager *token.Manager) (*volume, error) {
	writer, err := util.NewAtomicWriter(spec.Directory, "volume "+id)
	if err != nil {
		return nil, err
	}
	v := &volume{id: id, spec: spec, mode: mode, objects: objects, manager: manager, writer: writer, done: make(chan struct{})}
	v.history.WrittenAtMs = []float64{}
	v.ticker = time.NewTicker(time.Hour)
	v.setInterval(0)
	v.loop.Go(func() {
		for {
			select {
			case <-v.done:
				return
			case <-v.ticker.C:
				_, _ = v.sync() // A failure shows in the history, and the next tick tries again.
			}
		}
	})
	return v, nil
}

func (v *volume) path() string { return filepath.Join(v.spec.Directory, v.spec.FileName) }

// setInterval sets the time from sync to sync; with 0 there is none of its own.
func (v *volume) setInterval(ms int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.history.SyncMs = ms
	if ms == 0 {
		v.ticker.Stop()
	} else {
		v.ticker.Reset(time.Duration(ms) * time.Millisecond)
	}
}

// close ends the syncs. The file stays, as it does when a kubelet dies.
func (v *volume) close() {
	v.ticker.Stop()
	close(v.done)
	v.loop.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.manager.DeleteServiceAccountToken(v.podUID)
}

func (v *volume) snapshot() volumeHistory {
	v.mu.Lock()
	defer v.mu.Unlock()
	history := v.history
	history.WrittenAtMs = append([]float64{}, history.WrittenAtMs...)
	return history
}

// sync does what a pod's sync does to this volume, and reports whether another token replaced the previous one.
func (v *volume) sync() (rotated bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.history.Syncs++
	v.history.LastError = ""
	defer func() {
		if err != nil {
			v.history.Failures++
			v.history.LastError = err.Error()
		}
	}()

	// A pod that was made again counts as mounted in the place of the old one. While it is deleted, the volume goes
	// on as on a node that has not heard of it.
	if pod, err := v.objects.pods.get(v.spec.Namespace, v.spec.Pod); err == nil {
		v.podUID = pod.UID
	}
	fresh, err := v.requestToken()
	if err != nil {
		return false, err
	}
	if err := v.write(fresh); err != nil {
		return false, err
	}
	if fresh == v.token {
		return false, nil
	}
	now := float64(time.Now().UnixMicro()) / 1000
	if v.history.LastToken, err = readClaims(fresh); err != nil {
		return false, err
	}
	rotated = v.token != ""
	v.token = fresh
	if rotated {
		v.history.Rotations++
		v.history.WrittenAtMs = append(v.history.WrittenAtMs, now)
		if excess := len(v.history.WrittenAtMs) - maxWriteTimes; excess > 0 {
			v.history.WrittenAtMs = v.history.WrittenAtMs[excess:]
		}
	}
	return rotated, nil
}

// requestToken asks as the projected volume plugin does (pkg/volume/projected/projected.go, collectData).
func (v *volume) requestToken() (string, error) {
	var audiences []string
	if v.spec.Audience != "" {
		audiences = []string{v.spec.Audience}
	}
	answer, err := v.manager.GetServiceAccountToken(v.spec.Namespace, v.spec.ServiceAccount, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{
			Audiences:         audiences,
			ExpirationSeconds: &v.spec.ExpirationSeconds,
			BoundObjectRef: &authenticationv1.BoundObjectReference{
				APIVersion: "v1",
				Kind:       "Pod",
				Name:       v.spec.Pod,
				UID:        v.podUID,
			},
		},
	})
	if err != nil {
		return "", err
	}
	return answer.Status.Token, nil
}

// write publishes as the projected volume plugin does (SetUpAt): either of fsUser and fsGroup overrides the mode,
// and it is the ownership changer that makes 0640 of 0600.
func (v *volume) write(token string) error {
	mode := v.mode
	if v.spec.FsUser != nil || v.spec.FsGroup != nil {
		mode = 0o600
	}
	payload := map[string]util.FileProjection{v.spec.FileName: {Data: []byte(token), Mode: mode, FsUser: v.spec.FsUser}}
	return v.writer.Write(payload, func(string) error {
		return kubevolume.NewVolumeOwnership(readOnlyMounter{}, v.spec.Directory, v.spec.FsGroup, nil, nil).ChangePermissions()
	})
}

// readOnlyMounter is as much of the projected volume's mounter as the ownership changer looks at.
type readOnlyMounter struct{ kubevolume.Mounter }

func (readOnlyMounter) GetAttributes() kubevolume.Attributes {
	return kubevolume.Attributes{ReadOnly: true, Managed: true, SELinuxRelabel: true}
}

func readClaims(token string) (*tokenClaims, error) {
	parsed, err := jwt.ParseSigned(token)
	if err != nil {
		return nil, err
	}
	claims := &tokenClaims{}
	return claims, parsed.UnsafeClaimsWithoutVerification(claims)
}
