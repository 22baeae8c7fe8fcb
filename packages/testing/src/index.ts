export type { WriterOrder } from './atomic-writer.js'
export type { ContentFaults } from './content-faults.js'
export type { Capability, TokenProviderSubject } from './contract-subject.js'
export { createFakeClock, FAKE_CLOCK_START_MS, type FakeClock, type FakeClockOptions } from './fake-clock.js'
export { startFakeKubelet } from './fake-kubelet.js'
export { FakeKubeletError, type FakeKubeletErrorCode } from './fake-kubelet-error.js'
export type { FakeKubelet, VerifyOptions } from './fake-kubelet-types.js'
export type { JwtClaims, PublicJwk, PublicJwks } from './jose-types.js'
export type { FakeKubeletOptions } from './kubelet-options.js'
export type { MountFaults, Obstruction } from './mount-faults.js'
export type { SyncOutcome } from './pod-sync.js'
export {
  type ContractRunner,
  describeTokenProviderContract,
  type TokenProviderContractOptions,
} from './provider-contract.js'
export {
  type RotationWindow,
  requiresRefresh,
  rotationWindow,
  type TokenRequestStatus,
} from './rotation-rule.js'
export type { TokenOptions } from './token-options.js'
export type { IssuedToken } from './token-request.js'
export type { SigningAlgorithm } from './token-signer.js'
export type { FileOperation, FileOperationObserver } from './volume.js'
export type { EaccesWindowOptions, Pause, TruncateAndWriteOptions, WriteFaults } from './write-faults.js'
