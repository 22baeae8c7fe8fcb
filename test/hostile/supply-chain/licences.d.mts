export const LICENCES_FILE: URL
export const ALLOWED: Readonly<Record<string, string>>
export function isAllowed(expression: string): boolean
export function licencesText(): Promise<string>
