export interface Publication {
  token: string
  beganAtMs: number
  endedAtMs: number
}
export interface Answer {
  token: string
  askedAtMs: number
  answeredAtMs: number
}
export function judgeAnswers(
  publications: Publication[],
  answers: Answer[],
  toleranceMs: number,
): Record<'answers' | 'current' | 'lagging' | 'stale' | 'unknown' | 'longestLagMs', number>
