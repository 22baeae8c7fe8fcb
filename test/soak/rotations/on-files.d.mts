export function rotateOnFiles(options: {
  directory: string
  rotations: number
  volumes?: number
  sampleEvery: number
  onSample: (done: number) => unknown
}): Promise<{ rotations: number; reads: number; maxFoundMs: number; degraded: number }>
