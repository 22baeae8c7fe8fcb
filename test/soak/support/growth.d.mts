export function median(values: number[]): number
export function judgeGrowth(
  samples: number[],
  tolerance: number,
): { first: number; last: number; grows: boolean }
