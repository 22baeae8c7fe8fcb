export const ARGUED: Readonly<Record<string, string>>
export function judgeAudit(
  stdout: string,
  argued?: Readonly<Record<string, string>>,
): { readonly result: 'clean' | 'argued' | 'bad' | 'skipped'; readonly lines: readonly string[] }
