package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
)

const testIssuer = "https://issuer.test"

type harness struct {
	*testing.T
	url string
}

func start(t *testing.T) harness {
	t.Helper()
	silenceKlog(-1)
	key, err := newSigningKey("ecdsa")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(testIssuer, []string{testIssuer}, key, "127.0.0.1:443")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.volumes.close)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return harness{t, web.URL}
}

func (h harness) call(method, path string, body, into any) int {
	h.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		h.Fatal(err)
	}
	request, err := http.NewRequest(method, h.url+path, bytes.NewReader(encoded))
	if err != nil {
		h.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		h.Fatal(err)
	}
	return response.StatusCode
}

// volume makes one that syncs on request only.
func (h harness) volume(more map[string]any) volumeAnswer {
	h.Helper()
	body := map[string]any{"directory": filepath.Join(h.TempDir(), "volume"), "syncMs": 0}
	for name, value := range more {
		body[name] = value
	}
	answer := volumeAnswer{}
	if status := h.call("POST", "/control/volumes", body, &answer); status != http.StatusOK {
		h.Fatalf("creating the volume: status %d", status)
	}
	return answer
}

// control is for calls whose answer does not matter.
func (h harness) control(path string, body any) {
	h.Helper()
	if status := h.call("POST", path, body, &struct{}{}); status != http.StatusOK {
		h.Fatalf("%s: status %d", path, status)
	}
}

func (h harness) sync(id string) (answer syncAnswer) {
	h.Helper()
	h.call("POST", "/control/volumes/"+id+"/sync", nil, &answer)
	return answer
}

func (h harness) read(path string) string {
	h.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		h.Fatal(err)
	}
	return string(content)
}

func (h harness) review(token string, audiences ...string) authenticationv1.TokenReviewStatus {
	h.Helper()
	review := authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: audiences}}
	if status := h.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review, &review); status != http.StatusCreated {
		h.Fatalf("TokenReview: status %d", status)
	}
	return review.Status
}

func (h harness) refused(status authenticationv1.TokenReviewStatus, reason string) {
	h.Helper()
	if want := "[invalid bearer token, " + reason + "]"; status.Authenticated || status.Error != want {
		h.Errorf("got authenticated %t, error %q, want the error %q", status.Authenticated, status.Error, want)
	}
}

func TestTokenIsAuthenticatedForItsAudienceOnly(t *testing.T) {
	h := start(t)
	token := h.read(h.volume(nil).Path)
	status := h.review(token, "other", "vault")
	if !status.Authenticated || status.User.Username != "system:serviceaccount:default:build-robot" {
		t.Errorf("refused for its own audience: %+v", status)
	}
	if len(status.Audiences) != 1 || status.Audiences[0] != "vault" {
		t.Errorf("audiences %q, want those that both sides name", status.Audiences)
	}
	h.refused(h.review(token, "other"), `token audiences ["vault"] is invalid for the target audiences ["other"]`)
	h.refused(h.review(token), `token audiences ["vault"] is invalid for the target audiences ["`+testIssuer+`"]`)
}

func TestTokenIsRefusedOnceItsPodOrServiceAccountIsGone(t *testing.T) {
	h := start(t)
	v := h.volume(map[string]any{"pod": "nginx"})
	token := h.read(v.Path)
	pod := podRequest{Namespace: "default", Pod: "nginx"}

	h.control("/control/pods/delete", pod)
	h.refused(h.review(token, "vault"), "service account token has been invalidated")
	h.control("/control/pods/recreate", pod)
	if status := h.review(token, "vault"); !strings.Contains(status.Error, "does not match service account pod ref claim") {
		t.Errorf("the old pod's token with a new pod of its name: %+v", status)
	}
	if !h.sync(v.ID).Rotated || !h.review(h.read(v.Path), "vault").Authenticated {
		t.Error("the new pod's token is refused")
	}

	h.control("/control/serviceaccounts/delete", serviceAccountRequest{"default", "build-robot"})
	h.refused(h.review(h.read(v.Path), "vault"), `serviceaccounts "build-robot" not found`)
}

func TestRotationSwapsTheDataLink(t *testing.T) {
	h := start(t)
	// With one second to live, only a jitter of 0 among 0 to 9 puts the rotation off.
	v := h.volume(map[string]any{"fileName": "a/b/token", "expirationSeconds": 1, "mode": "0640"})
	directory := strings.TrimSuffix(v.Path, "/a/b/token")
	oldData, err := os.Readlink(filepath.Join(directory, "..data"))
	if err != nil {
		t.Fatal(err)
	}
	oldToken := h.read(v.Path)
	answer := syncAnswer{}
	for syncs := 0; !answer.Rotated; syncs++ {
		if syncs == 100 {
			t.Fatal("no rotation in 100 syncs")
		}
		answer = h.sync(v.ID)
	}
	if answer.Rotations != 1 || len(answer.WrittenAtMs) != 1 || answer.LastToken.ID == v.LastToken.ID {
		t.Errorf("after one rotation: %+v", answer)
	}
	if h.read(v.Path) == oldToken {
		t.Error("the file still has the old token")
	}
	if link, _ := os.Readlink(filepath.Join(directory, "a")); link != "..data/a" {
		t.Errorf("a is a link to %q", link)
	}
	if newData, _ := os.Readlink(filepath.Join(directory, "..data")); newData == oldData {
		t.Error("..data still names the old directory")
	}
	if _, err := os.Stat(filepath.Join(directory, oldData)); !os.IsNotExist(err) {
		t.Errorf("the old directory is still there: %v", err)
	}
	if info, err := os.Stat(v.Path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode: %v, %v", info, err)
	}
}

func TestOutageKeepsTheFile(t *testing.T) {
	h := start(t)
	v := h.volume(map[string]any{"expirationSeconds": 1})
	token := h.read(v.Path)
	h.control("/control/outage", map[string]bool{"enabled": true})
	time.Sleep(1100 * time.Millisecond) // The manager hides failures until the token has expired.
	answer := h.sync(v.ID)
	if answer.Failures != 1 || !strings.Contains(answer.LastError, "expired and refresh failed") {
		t.Errorf("a sync in the outage: %+v", answer)
	}
	if h.read(v.Path) != token {
		t.Error("the outage changed the file")
	}
	waiting := h.volume(nil)
	if _, err := os.Stat(waiting.Path); !os.IsNotExist(err) {
		t.Errorf("a volume made in the outage has a token: %v", err)
	}
	h.control("/control/outage", map[string]bool{"enabled": false})
	if answer := h.sync(v.ID); !answer.Rotated || answer.LastError != "" || h.read(v.Path) == token {
		t.Errorf("the first sync after the outage: %+v", answer)
	}
	h.sync(waiting.ID)
	h.read(waiting.Path)
}

func TestWarnAfterComesWithAYearLongExp(t *testing.T) {
	h := start(t)
	v := h.volume(map[string]any{"warnAfter": true, "expirationSeconds": 600})
	if life := v.LastToken.Expiry - v.LastToken.IssuedAt; life != 365*24*60*60 {
		t.Errorf("life of %d s", life)
	}
}

func TestBadRequestsSayWhatIsWrong(t *testing.T) {
	h := start(t)
	for wrong, body := range map[string]map[string]any{
		"directory":         {"directory": "relative"},
		"fileName":          {"directory": t.TempDir(), "fileName": "../token"},
		"expirationSeconds": {"directory": t.TempDir(), "expirationSeconds": 0},
		"mode":              {"directory": t.TempDir(), "mode": "999"},
		"syncMs":            {"directory": t.TempDir(), "syncMs": -1},
		"unknown field":     {"directory": t.TempDir(), "expiry": 5},
	} {
		answer := map[string]string{}
		status := h.call("POST", "/control/volumes", body, &answer)
		if status != http.StatusBadRequest || !strings.Contains(answer["error"], wrong) {
			t.Errorf("%s: status %d, %q", wrong, status, answer["error"])
		}
	}
}

func TestProgramEndsWithItsStandardInput(t *testing.T) {
	silenceKlog(-1)
	input, closeInput := io.Pipe()
	output, lines := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(context.Background(), []string{"--key-type", "ecdsa", "--tls"}, input, lines) }()
	line := ready{}
	if err := json.NewDecoder(output).Decode(&line); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(line.URL, "https://127.0.0.1:") || line.PID != os.Getpid() || line.CAPem == "" {
		t.Errorf("ready line: %+v", line)
	}
	closeInput.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "10.0.0.1:0", "nonsense"} {
		if _, err := parseOptions([]string{"--listen", address}); err == nil {
			t.Errorf("%s was accepted", address)
		}
	}
}
