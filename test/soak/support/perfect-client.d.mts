export function createPerfectClient(
  path: string,
  expected: { audience: string; issuer: string; subject: string },
  now?: () => number,
): () => { tokens: string[]; publishedAtMs: number | undefined }
