/** What is true of a finding wherever it is made. */
export interface Advice {
  readonly why: string
  /** What to do, where the case itself does not say it better. */
  readonly remedy: string
  readonly docs: string
  /** It is a note, although `inspect` may warn of it: it is so by default in every pod, or may be meant so. */
  readonly isNote?: true
}

/** Kubernetes' documentation. */
export const KUBERNETES = 'https://kubernetes.io/docs/'
