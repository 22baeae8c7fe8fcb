/** The programs of a cluster, built from their modules: see the go.mod of each, and test/real/go-binary.ts. */
import { fileURLToPath } from 'node:url'
import { loadTypeScript } from './support/load-typescript.mjs'

export const KUBERNETES = '1.36.3'
export const ETCD = '3.6.16'
export const CONTAINERD = '2.4.2'

const build = ['build', '-buildvcs=false', '-trimpath']
const small = '-ldflags=-s -w'
const containerd = 'github.com/containerd/containerd/v2/cmd'
const [major, minor] = KUBERNETES.split('.')
const version = 'k8s.io/component-base/version'
/** Without it the components call themselves v0.0.0, and judge each other by that. */
const kubernetesVersion = Object.entries({ gitVersion: `v${KUBERNETES}`, gitMajor: major, gitMinor: minor })
  .map(([name, value]) => `-X ${version}.${name}=${value}`)
  .join(' ')

const BUILDS = {
  etcd: {
    sources: "etcd's packages",
    commands: (target) => [[...build, small, '-o', `${target}/etcd`, 'go.etcd.io/etcd/server/v3']],
  },
  containerd: {
    sources: "containerd's packages",
    commands: (target) =>
      ['containerd', 'containerd-shim-runc-v2', 'ctr'].map((name) => [
        ...[...build, '-tags=no_btrfs,no_devmapper,no_zfs', small],
        ...['-o', `${target}/${name}`, `${containerd}/${name}`],
      ]),
  },
  kubernetes: {
    sources: "Kubernetes' packages",
    commands: (target) =>
      ['kube-apiserver', 'kubelet'].map((name) => [
        ...[...build, `${small} ${kubernetesVersion}`],
        ...['-o', `${target}/${name}`, `k8s.io/kubernetes/cmd/${name}`],
      ]),
  },
  pause: {
    sources: "a pod's sandbox",
    commands: (target) => [[...build, small, '-o', `${target}/pause`, '.']],
  },
}

/** @returns the folders of { etcd, containerd, kubernetes, pause }, from the cache or built now, one after the other */
export async function buildComponents() {
  const { buildGo } = await loadTypeScript('test/real/go-binary.ts')
  const built = {}
  for (const [name, { sources, commands }] of Object.entries(BUILDS)) {
    const sourceDirectory = fileURLToPath(new URL(`./components/${name}`, import.meta.url))
    built[name] = await buildGo({
      ...{ name: `cluster-${name}`, sourceDirectory, sources, commands },
      env: { CGO_ENABLED: '0' },
    })
  }
  return built
}

/** @returns a program that builds kustomizations as kubectl does, the one of test/real/manifests.test.ts */
export async function buildKustomizer() {
  const { buildGo } = await loadTypeScript('test/real/go-binary.ts')
  return buildGo({
    ...{ name: 'manifests', sources: "Kubernetes' packages" },
    sourceDirectory: fileURLToPath(new URL('../real/manifests', import.meta.url)),
    commands: (target) => [['build', '-buildvcs=false', '-ldflags=-s -w', '-o', target, '.']],
    env: { CGO_ENABLED: '0' },
  })
}
