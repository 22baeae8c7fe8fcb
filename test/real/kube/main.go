package main

import (
	_ "k8s.io/client-go/kubernetes/fake"
	_ "k8s.io/kubernetes/pkg/kubelet/token"
	_ "k8s.io/kubernetes/pkg/serviceaccount"
	_ "k8s.io/kubernetes/pkg/volume/util"
	_ "k8s.io/apiserver/pkg/authentication/authenticator"
	_ "k8s.io/klog/v2"
)

func main() {}
