export function createPerfectClient(
  path: string,
  expected: { audience: string; issuer: string; subject: string },
): () => { tokens: string[]; publishedAtMs: number | undefined }
