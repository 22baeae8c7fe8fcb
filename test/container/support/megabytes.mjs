/** @returns '41.3 MB', of a million bytes each, as registries and `docker images` count */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
