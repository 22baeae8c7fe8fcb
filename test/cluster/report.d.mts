export function report(results: Record<string, object>): { text: string; problems: string[] }
