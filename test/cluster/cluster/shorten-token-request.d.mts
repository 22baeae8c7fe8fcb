export interface TokenRequest {
  spec: { expirationSeconds: number }
  status: { token: string; expirationTimestamp: string }
}
export function shortenTokenRequest(
  request: TokenRequest,
  lifeSeconds: number,
  signingKeyPem: string,
): Promise<TokenRequest>
