/** How numbers look in the table. */

const digits = (value) => (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2)
const number = (value, decimals = digits(value)) =>
  value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })

export const milliseconds = (ms) => (ms >= 10_000 ? `${number(ms / 1000)} s` : `${number(ms)} ms`)
export const nanoseconds = (ns) => `${number(ns, ns < 100 ? 1 : 0)} ns`
export const kilobytes = (bytes) => `${number(bytes / 1024)} KB`
export const megabytes = (bytes) => `${number(bytes / 1024 / 1024)} MB`
export const percent = (fraction) => `${number(fraction * 100, 3)} %`
export const count = (value) => number(value, 0)

/** A ratio; a tiny one as a fraction, since 0.00003 says little. */
export function ratio(value, decimals = 2) {
  return value > 0 && value < 0.01 ? `1 / ${number(1 / value, 0)}` : number(value, decimals)
}

/** @returns 'met' or 'missed' */
export const atMost = (value, limit) => (value <= limit ? 'met' : 'missed')
export const atLeast = (value, limit) => (value >= limit ? 'met' : 'missed')
