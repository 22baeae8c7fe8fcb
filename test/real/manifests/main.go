// Command manifests builds kustomizations and judges what comes out with Kubernetes' own code: what kubectl builds,
// what the API server decodes, completes and validates, and what Pod Security admission enforces. No cluster.
//
//	manifests DIRECTORY...
//
// It prints one JSON array, an element for each directory. Exit code 1: a directory could not be built.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

type kustomization struct {
	Directory string   `json:"directory"`
	Objects   []object `json:"objects"`
}

type object struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Why an API server would not take it: unknown or repeated fields, values out of range.
	Problems []string `json:"problems"`
	// Of the restricted Pod Security Standard; absent when the object has no pod.
	Violations *[]string `json:"violations,omitempty"`
	// As built, before an API server's defaults.
	Manifest json.RawMessage `json:"manifest"`
	// With an API server's defaults.
	Defaulted runtime.Object `json:"defaulted,omitempty"`
}

func main() {
	built := []kustomization{}
	for _, directory := range os.Args[1:] {
		objects, err := build(directory)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", directory, err)
			os.Exit(1)
		}
		built = append(built, kustomization{directory, objects})
	}
	if err := json.NewEncoder(os.Stdout).Encode(built); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// build is `kubectl kustomize`, and a judgement of each object.
func build(directory string) ([]object, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), directory)
	if err != nil {
		return nil, err
	}
	objects := []object{}
	for _, resource := range resources.Resources() {
		manifest, err := resource.MarshalJSON()
		if err != nil {
			return nil, err
		}
		judged := judge(manifest)
		judged.Kind, judged.Name, judged.Manifest = resource.GetKind(), resource.GetName(), manifest
		objects = append(objects, judged)
	}
	return objects, nil
}
