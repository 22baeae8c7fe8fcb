import { activities } from './activity.js'
import { pageClient } from './client.js'
import { conditions } from './condition.js'
import { elementMaker } from './element.js'
import { pageViews } from './page-view.js'
import { pageParts } from './parts.js'
import { patcher } from './patch.js'
import { timeLineOf } from './time-line.js'
import { timeText } from './time-text.js'
import { tokenCards } from './token-card.js'
import { tokenFacts } from './token-facts.js'

/**
 * The page's script: the text of functions that are checked, linted and tested as all others. Each is complete in
 * itself and gets what it needs as arguments, so no bundler need know of it.
 */
export function pageScript(): string {
  return `'use strict'
{
const time = (${timeText})()
const timeLine = (${timeLineOf})()
const maker = (${elementMaker})()
const conditionOf = (${conditions})(time)
const parts = (${pageParts})(maker, time)
const factsOf = (${tokenFacts})(maker, time, parts)
const tokenCard = (${tokenCards})(maker, time, timeLine, conditionOf, parts, factsOf)
const activity = (${activities})(maker, time, parts)
const view = (${pageViews})(maker, time, conditionOf, parts, tokenCard, activity)
const patch = (${patcher})(document)
;(${pageClient})(window, document.getElementById('page'), view, patch)
}
`
}
