/** The pods of the cases: each differs from the founding document's in the one thing that it is about. */
import { CLIENTS } from '../images.mjs'

export const AUDIENCES = { vault: 'vault', other: 'other', api: 'https://kubernetes.default.svc' }
const DIRECTORY = '/var/run/secrets/tokens'

/** A serviceAccountToken source, a client's name, and the server's route for the audience. */
const token = (path, route = 'vault') => ({ path, route })
const VAULT = [token('vault-token')]

/**
 * What a pod is made of:
 * - tokens: the sources of its volume, each with a client of its own; none: the pod's default token
 * - securityContext, serviceAccountName, subPath: as in a pod
 * - automount: whether it has the default token too
 * - lifeSeconds: of its tokens; undefined: as long as the API server says
 * - stay: it goes on after SIGTERM for as long as it may
 * - prefix: begins each command line in the container
 */
export const PODS = {
  'founding-document': { tokens: VAULT, automount: true, lifeSeconds: 20 },
  neither: { tokens: VAULT, lifeSeconds: 20 },
  'run-as-user': { tokens: VAULT, securityContext: { runAsUser: 10_001 }, lifeSeconds: 20 },
  'fs-group': { tokens: VAULT, securityContext: { fsGroup: 20_001 }, lifeSeconds: 20 },
  'user-and-group': {
    ...{ tokens: VAULT, securityContext: { runAsUser: 10_001, fsGroup: 20_001 }, lifeSeconds: 20 },
  },
  'sub-path': { tokens: VAULT, subPath: true, lifeSeconds: 20 },
  'nested-path': { tokens: [token('a/b/token')], lifeSeconds: 20 },
  'two-projections': { tokens: [token('vault-token'), token('other-token', 'other')], lifeSeconds: 20 },
  // A process that has changed its user by itself: the kubelet knows of root only.
  'changed-user': {
    ...{ tokens: VAULT, securityContext: { runAsUser: 0 }, lifeSeconds: 20 },
    prefix: ['setpriv', '--reuid=65532', '--regid=65532', '--clear-groups'],
  },
  'no-token': { tokens: [], lifeSeconds: 20 },
  'default-token': { tokens: [], automount: true, lifeSeconds: 20 },
  'kubelet-restart': { tokens: VAULT, securityContext: { fsGroup: 20_001 } },
  outage: { tokens: VAULT, securityContext: { fsGroup: 20_001 }, lifeSeconds: 60 },
  'pod-deleted': { tokens: VAULT, securityContext: { fsGroup: 20_001 }, lifeSeconds: 60 },
  'pod-ending': { tokens: VAULT, securityContext: { fsGroup: 20_001 }, lifeSeconds: 20, stay: true },
  'account-recreated': {
    ...{ tokens: VAULT, securityContext: { fsGroup: 20_001 }, lifeSeconds: 60 },
    serviceAccountName: 'recreated',
  },
}

/** Of the pods here, and of those of the manifests. */
export const lifeSecondsOf = (pod) => (pod in PODS ? PODS[pod].lifeSeconds : 20)
export const prefixOf = (name) => PODS[name].prefix ?? []

/** What the client of a token needs to know; its path, as seen in the container. */
export function tokensOf(name) {
  const { tokens } = PODS[name]
  if (tokens.length === 0) {
    const path = '/var/run/secrets/kubernetes.io/serviceaccount/token'
    return [{ name: 'sdk', path, audience: AUDIENCES.api, route: 'api', file: 'token' }]
  }
  return tokens.map(({ path, route }, index) => ({
    name: index === 0 ? 'sdk' : `sdk-${route}`,
    ...{ path: `${DIRECTORY}/${path}`, audience: AUDIENCES[route], route, file: path },
  }))
}

/** The pod's manifest. What the cluster lacks (a scheduler, a network) is in `onNode`. */
export function manifestOf(name, serverUrl, onNode) {
  const { tokens, securityContext, serviceAccountName = 'build-robot', automount, subPath, stay } = PODS[name]
  const env = {
    CASE: name,
    SERVER: serverUrl,
    TOKENS: JSON.stringify(tokensOf(name)),
    ...(stay && { STAY: '1' }),
  }
  const mount = subPath
    ? { mountPath: `${DIRECTORY}/${tokens[0].path}`, subPath: tokens[0].path }
    : { mountPath: DIRECTORY }
  const sources = tokens.map(({ path, route }) => ({
    serviceAccountToken: { path, expirationSeconds: 7_200, audience: AUDIENCES[route] },
  }))
  const hasVolume = tokens.length > 0
  return {
    metadata: { name },
    spec: {
      ...onNode,
      serviceAccountName,
      // As in the document, where nobody has switched it off.
      ...(automount ? {} : { automountServiceAccountToken: false }),
      ...(securityContext && { securityContext }),
      containers: [
        {
          ...{ name: 'clients', image: CLIENTS, imagePullPolicy: 'Never' },
          command: [...prefixOf(name), 'node', '/app/clients/main.mjs'],
          env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
          ...(hasVolume && { volumeMounts: [{ name: 'vault-token', ...mount }] }),
        },
      ],
      ...(hasVolume && { volumes: [{ name: 'vault-token', projected: { sources } }] }),
    },
  }
}
