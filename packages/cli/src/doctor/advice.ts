/** What is true of a finding wherever it is made. */
export interface Advice {
  readonly why: string
  /** What to do, where the case itself does not say it better. */
  readonly remedy: string
  readonly docs: string
  /** It is a note here, although `inspect` warns of it: it is so by default in every pod. */
  readonly isNote?: true
}

/** Kubernetes' documentation. */
export const KUBERNETES = 'https://kubernetes.io/docs/'
