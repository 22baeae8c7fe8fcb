export interface Finding {
  rule: string
  where: string
  message: string
}
export function checkArchitecture(root: string): Promise<{ violations: Finding[]; warnings: Finding[] }>
