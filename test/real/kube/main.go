// Command kube is the part of Kubernetes that service account tokens pass through, in one process and without a
// cluster: Kubernetes' own packages issue, rotate, write and review them. Tests start it, read one line from its
// standard output, and end it by closing its standard input.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/util/cert"
	"k8s.io/klog/v2"
)

type options struct {
	listen, issuer, apiAudience, keyType string
	tls                                  bool
	verbosity                            int
}

// ready is the line on standard output.
type ready struct {
	URL    string `json:"url"`
	Issuer string `json:"issuer"`
	PID    int    `json:"pid"`
	CAPem  string `json:"caPem,omitempty"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "kube:", err)
		os.Exit(1)
	}
}

func parseOptions(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("kube", flag.ContinueOnError)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback address and port; port 0 is any free one")
	flags.StringVar(&o.issuer, "issuer", "https://kubernetes.default.svc.cluster.local", "like --service-account-issuer")
	flags.StringVar(&o.apiAudience, "api-audience", "", "like --api-audiences, but one; the issuer unless given")
	flags.StringVar(&o.keyType, "key-type", "rsa", "of the signing key: rsa or ecdsa")
	flags.BoolVar(&o.tls, "tls", false, "serve https, with a certificate of a CA made for this run")
	flags.IntVar(&o.verbosity, "v", -1, "klog's verbosity; -1 silences even its errors")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.issuer == "" {
		return o, errors.New("--issuer must not be empty")
	}
	if o.apiAudience == "" {
		o.apiAudience = o.issuer
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return o, fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return o, fmt.Errorf("--listen %s: only a loopback IP address will do, since whoever reaches it controls it", o.listen)
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	silenceKlog(o.verbosity)
	key, err := newSigningKey(o.keyType)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	address := listener.Addr().String()
	line := ready{URL: "http://" + address, Issuer: o.issuer, PID: os.Getpid()}
	if o.tls {
		certificate, caPem, err := newCertificate()
		if err != nil {
			return err
		}
		line.URL, line.CAPem = "https://"+address, caPem
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	s, err := newServer(o.issuer, []string{o.apiAudience}, key, address)
	if err != nil {
		return err
	}
	httpServer := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	// An end in the middle of a write would leave a ..data_tmp behind, on which the directory's next writer fails.
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = httpServer.Shutdown(ctx)
		s.volumes.close()
	}()
	served := make(chan error, 1)
	go func() { served <- httpServer.Serve(listener) }()
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return err
	}

	// Standard input ends with the process that started this one, however that one ends.
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		close(ended)
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-ended:
		return nil
	case err := <-served:
		return err
	}
}

// silenceKlog is for the errors that outages and deleted pods make Kubernetes' packages log: tests cause them at will.
func silenceKlog(verbosity int) {
	if verbosity < 0 {
		klog.SetLogger(logr.Discard())
		return
	}
	flags := flag.NewFlagSet("klog", flag.PanicOnError)
	klog.InitFlags(flags)
	_ = flags.Set("v", strconv.Itoa(verbosity))
}

func newSigningKey(keyType string) (crypto.Signer, error) {
	switch keyType {
	case "rsa":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ecdsa":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		return nil, fmt.Errorf("--key-type %q: must be rsa or ecdsa", keyType)
	}
}

func newCertificate() (certificate tls.Certificate, caPem string, err error) {
	chain, key, err := cert.GenerateSelfSignedCertKey("localhost", []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, nil)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	_, ca := pem.Decode(chain) // The certificate comes first, its CA after it.
	certificate, err = tls.X509KeyPair(chain, key)
	return certificate, string(ca), err
}
