import { describe, expect, it } from 'vitest'
import { type Answer, judgeAnswers } from './support/judge-answers.mjs'

const published = [
  { token: 'a', beganAtMs: 0, endedAtMs: 5 },
  { token: 'b', beganAtMs: 100, endedAtMs: 105 },
  { token: 'c', beganAtMs: 200, endedAtMs: 205 },
]
const judge = (...answers: Answer[]) => judgeAnswers(published, answers, 50)
const answer = (token: string, askedAtMs: number, answeredAtMs: number) => ({
  token,
  askedAtMs,
  answeredAtMs,
})

describe('what `npm run test:container` counts as stale', () => {
  it('is not the token in the file', () => {
    expect(judge(answer('a', 10, 20), answer('b', 110, 120), answer('c', 900, 910))).toMatchObject({
      ...{ answers: 3, current: 3, lagging: 0, stale: 0, unknown: 0, longestLagMs: 0 },
    })
  })

  it('is neither token of a rotation during the request', () => {
    expect(judge(answer('a', 104, 120), answer('b', 90, 101))).toMatchObject({ current: 2 })
  })

  it('is a token that was replaced longer ago than the tolerance', () => {
    expect(judge(answer('a', 155, 160))).toMatchObject({ lagging: 1, stale: 0, longestLagMs: 50 })
    expect(judge(answer('a', 156, 160))).toMatchObject({ lagging: 0, stale: 1, longestLagMs: 51 })
    expect(judge(answer('a', 900, 901))).toMatchObject({ stale: 1, longestLagMs: 795 })
  })

  it('has a name of its own when nobody published it, or not yet', () => {
    expect(judge(answer('x', 10, 20), answer('c', 110, 120))).toMatchObject({ unknown: 2, current: 0 })
  })
})
