export function createPerfectClient(
  path: string,
  expected: { audience: string; issuer: string; subject: string },
  now?: () => number,
): {
  look(state?: { isBlind?: boolean }): { tokens: string[]; publishedAtMs: number | undefined }
  refused(token: string): void
}
