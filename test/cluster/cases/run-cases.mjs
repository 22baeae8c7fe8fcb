/** All cases on one cluster, those together that do not disturb each other. */
import { exportJWK, generateKeyPair } from 'jose'
import { ISSUER } from '../cluster/api-server.mjs'
import { NODE } from '../cluster/credentials.mjs'
import { createJudge } from '../server/judge-token.mjs'
import { startVerifyingServer } from '../server/verifying-server.mjs'
import { runAccountRecreated } from './account-recreated.mjs'
import { runKubeletRestart } from './kubelet-restart.mjs'
import { runManifests } from './manifests.mjs'
import { runOutage } from './outage.mjs'
import { runPodDeleted } from './pod-deleted.mjs'
import { runPodEnding } from './pod-ending.mjs'
import { AUDIENCES } from './pods.mjs'
import { runRotating } from './rotating.mjs'
import { runVaultOverlay } from './vault-overlay.mjs'

const manifests = (kustomization) => (context) => runManifests(kustomization, context)
/** The manifests' health port is the node's, as is all network here: one of them at a time. */
const ROUNDS = [
  { about: 'pods that rotate; manifests/base', runs: [runRotating, manifests('base')] },
  {
    about: 'an account made again, a pod that ends slowly; manifests/overlays/plain',
    runs: [runAccountRecreated, runPodEnding, manifests('overlays/plain')],
  },
  { about: 'a real Vault; manifests/overlays/vault', runs: [runVaultOverlay] },
  { about: 'TokenRequests fail', runs: [runOutage] },
  { about: 'a pod is deleted while its node cannot be reached', runs: [runPodDeleted] },
  { about: 'the kubelet is restarted', runs: [runKubeletRestart] },
]
/** What a scheduler and a network would see to. */
const ON_NODE = { nodeName: NODE, hostNetwork: true, tolerations: [{ operator: 'Exists' }] }

/** @param interrupted returns the reason to give up, if there is one. @returns measurements by case */
export async function runCases({ cluster, kustomizer, vaultServers, interrupted, note }) {
  const { client } = cluster
  const keySet = await client.must('GET', '/openid/v1/jwks')
  const judge = createJudge({ client, keySet, issuer: ISSUER, audiences: AUDIENCES })
  const server = await startVerifyingServer(judge, { jwks: keySet, 'foreign-jwks': await foreignKeySet() })
  const context = { cluster, server, kustomizer, vaultServers, onNode: ON_NODE, interrupted, note }
  const results = {}
  try {
    // As our manifests have it; an API server makes none by itself.
    await client.create('serviceaccounts', { metadata: { name: 'build-robot' } })
    for (const { about, runs } of ROUNDS) {
      console.log(`\n== ${about}`)
      const startedAtMs = performance.now()
      const settled = await Promise.allSettled(runs.map((run) => run(context)))
      for (const { reason } of settled) if (reason) throw reason
      for (const { value } of settled) Object.assign(results, value)
      note(`done in ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`)
    }
  } finally {
    await server.close()
  }
  return results
}

/** Of an issuer that signed none of the tokens here. */
async function foreignKeySet() {
  const { publicKey } = await generateKeyPair('RS256')
  return { keys: [{ ...(await exportJWK(publicKey)), kid: 'foreign', alg: 'RS256', use: 'sig' }] }
}
