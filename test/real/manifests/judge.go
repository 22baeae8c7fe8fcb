package main

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

var strict = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)

// judge treats a manifest as an API server treats a create request with fieldValidation=Strict.
func judge(manifest []byte) object {
	judged := object{Problems: []string{}}
	external, _, err := strict.UniversalDeserializer().Decode(manifest, nil, nil)
	if err != nil {
		judged.Problems = append(judged.Problems, err.Error())
		return judged
	}
	legacyscheme.Scheme.Default(external)
	judged.Defaulted = external
	internal, err := legacyscheme.Scheme.ConvertToVersion(external, runtime.InternalGroupVersioner)
	if err != nil {
		judged.Problems = append(judged.Problems, err.Error())
		return judged
	}
	if object, ok := internal.(metav1.Object); ok && object.GetNamespace() == "" {
		object.SetNamespace(metav1.NamespaceDefault)
	}
	for _, problem := range validate(internal) {
		judged.Problems = append(judged.Problems, problem.Error())
	}
	if pod, ok := external.(*corev1.Pod); ok {
		violations := restricted(pod)
		judged.Violations = &violations
	}
	return judged
}

func validate(object runtime.Object) field.ErrorList {
	switch typed := object.(type) {
	case *core.Pod:
		options := podutil.GetValidationOptionsFromPodSpecAndMeta(&typed.Spec, nil, &typed.ObjectMeta, nil)
		return validation.ValidatePodCreate(typed, options)
	case *core.ConfigMap:
		return validation.ValidateConfigMap(typed)
	case *core.ServiceAccount:
		return validation.ValidateServiceAccount(typed)
	}
	return field.ErrorList{field.InternalError(nil, fmt.Errorf("no validation is wired for %T", object))}
}

// restricted is what a namespace labelled pod-security.kubernetes.io/enforce: restricted says.
func restricted(pod *corev1.Pod) []string {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return []string{err.Error()}
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	violations := []string{}
	for _, result := range evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			violations = append(violations, result.ForbiddenReason+": "+result.ForbiddenDetail)
		}
	}
	return violations
}
